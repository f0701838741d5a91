"""Japanese. The verb stands last: what is asked for comes first."""

from functools import partial

from greatrouter_classifier.classification import ContentMode, Task
from greatrouter_classifier.matcher import Rule
from greatrouter_classifier.rules.english import LANGUAGE
from greatrouter_classifier.rules.fragments import REST, one_of

MAKE = one_of("描い, 描く, 生成, 作成, 作っ, 作り, 作る, つくっ, デザイン, 制作, 欲しい, ほしい, お願い")
WRITE = one_of("書い, 書く, 作成, 作っ, 作り, 考え, 執筆, 教えて, つくっ")
PICTURE = one_of("""
    画像, イラスト, 絵, 写真, ロゴ, ポスター, アイコン, 壁紙, 似顔絵, 水彩画, 油絵, バナー, サムネイル, 肖像画,
    キービジュアル, ビジュアル, 表紙, スタンプ
""")
VIDEO = one_of("動画, ビデオ, アニメーション, 映像, ショートムービー, ムービー, 予告編, gif")
CODE = one_of("""
    関数, コード, スクリプト, プログラム, sql, 正規表現, クエリ, アルゴリズム, マクロ, html, css, python,
    javascript, java, ソース
""")
TALK = "説明文|プロンプト|台本|脚本|タイトル|歌詞|方法|やり方|書き方|描き方|作り方|とは|について(?:教|説明)"
rule = partial(Rule, language="ja")

RULES = (
    rule(
        "image.make.ja",
        Task.IMAGE,
        PICTURE + "(?:を|が|の)" + REST + MAKE,
        0.95,
        "冬の灯台の絵を描いてください",
        unless=(CODE, VIDEO, TALK),
    ),
    rule(
        "image.edit.ja",
        Task.IMAGE,
        r"\A\s*"
        + REST
        + "(?:背景|写真|画像|人物|この絵)(?:を|から|の|に|にある|に写)"
        + REST
        + "(?:消して|削除|変更|変えて|置き換え|加工|編集|追加|除去|ぼかし|切り抜|差し替え|高画質|カラー化|補正|取り除)",
        0.95,
        "この写真から観光客を消して",
        ContentMode.EDIT,
        unless=(CODE, VIDEO, TALK),
    ),
    rule(
        "image.combine.ja",
        Task.IMAGE,
        "(?:写真|画像)" + REST + "(?:合成|組み合わせ|結合|一枚に|1枚に)",
        0.95,
        "この二枚の写真を合成して",
        ContentMode.COMBINE,
        unless=(CODE, VIDEO, TALK),
    ),
    rule(
        "video.make.ja",
        Task.VIDEO,
        VIDEO + "(?:を|が)" + REST + MAKE,
        0.95,
        "波が打ち寄せる短い動画を作ってください",
        unless=(CODE, TALK, "編集"),
    ),
    rule(
        "video.animate.ja",
        Task.VIDEO,
        "(?:写真|画像|イラスト|絵)を(?:動かして|動画に|アニメーションに|アニメ化)",
        0.95,
        "この写真を動かして",
        unless=(CODE, TALK),
    ),
    rule(
        "video.edit.ja",
        Task.VIDEO,
        "(?:動画|ビデオ|映像)(?:を|から|の)"
        + REST
        + "(?:編集し|カット|トリミング|切り取|早送り|短く|字幕を(?:付|つ)|スロー)",
        0.95,
        "この動画を十秒にカットして",
        ContentMode.EDIT,
        unless=(CODE, TALK),
    ),
    rule(
        "music.make.ja",
        Task.MUSIC,
        "(?:曲|音楽|bgm|メロディ|メロディー|ビート|楽曲|サウンドトラック|子守唄|歌)を"
        + REST
        + "(?:作曲|作って|作成|生成|制作|つくって)",
        0.95,
        "静かなピアノの曲を作曲して",
        unless=(CODE, VIDEO, TALK, "プレイリスト"),
    ),
    rule(
        "speech.say.ja",
        Task.SPEECH,
        "(?:読み上げて|読み上げる音声|朗読して|音読して)|(?:声|口調|トーン)で(?:言って|読んで|話して"
        "|しゃべって|読み上げ)",
        0.95,
        "次のお知らせを読み上げてください",
        unless=(CODE, "方法|とは"),
    ),
    rule(
        "speech.synthesize.ja",
        Task.SPEECH,
        "(?:テキスト|文章|文|原稿)を" + REST + "(?:音声に|音声化|ナレーションに)",
        0.95,
        "この文章を音声に変換して",
        unless=(CODE, "方法|とは"),
    ),
    rule(
        "speech.transcribe.ja",
        Task.SPEECH,
        "(?:文字起こし|書き起こ|テープ起こし)(?:して|をして|を?お願い|しを)",
        0.95,
        "この録音を文字起こしして",
        unless=(CODE, "方法|とは|アプリ"),
    ),
    rule(
        "code.write.ja",
        Task.CODE,
        CODE
        + "(?:を|が|の)"
        + REST
        + "(?:書い|作成|作っ|実装|修正|直し|デバッグ|リファクタ|欲しい|ほしい|最適化|レビュー)",
        0.95,
        "リストの重複を取り除く関数を書いて",
        unless=("作文|プロモーションコード|ドレスコード|研修プログラム|のイラスト|の画像を",),
    ),
    rule(
        "code.in_language.ja",
        Task.CODE,
        LANGUAGE + "(?:で|を使って|を使い|の)" + REST + "(?:方法|書い|する|ソート|実装|作っ|作成|には|エラー)",
        0.95,
        "Pythonで辞書をソートする方法は？",
        unless=("求人|年収|作文",),
    ),
    rule(
        "web_search.now.ja",
        Task.WEB_SEARCH,
        "(?:最新|今日|きょう|昨日|今週|明日|現在)の?(?:"
        + "ニュース|天気|株価|為替|情報|試合結果|気温|ドル円|価格|レート|状況"
        + ")|天気(?:予報)?(?:は|を教|どう)|(?:ネット|ウェブ|web|google|グーグル|インターネット)で(?:検索"
        "|調べ)|検索して",
        0.95,
        "今日の松山の天気は？",
        unless=(CODE, VIDEO, PICTURE, "書いて|翻訳"),
    ),
    rule(
        "text.write.ja",
        Task.TEXT,
        "(?:エッセイ|作文|詩|俳句|短歌|物語|小説|メール|手紙|記事|文章|スピーチ|感想文|ブログ"
        "|キャッチコピー|レポート|論文|歌詞|自己紹介|レシピ|企画書|あらすじ|童話|ストーリー|履歴書)を" + REST + WRITE,
        0.95,
        "画家についての物語を書いて",
        unless=(CODE, VIDEO, "画像|イラスト|音声"),
    ),
    rule(
        "text.translate.ja",
        Task.TEXT,
        "(?:翻訳し|翻訳を|訳して|和訳|英訳)",
        0.95,
        "この文を英語に翻訳してください",
        unless=(CODE, VIDEO, "音声|録音"),
    ),
    rule(
        "text.summarize.ja",
        Task.TEXT,
        "(?:要約し|要約を|まとめてください|まとめて$|言い換えて|書き直して|添削して|校正して)",
        0.95,
        "この記事を三文で要約して",
        unless=(CODE, "ニュース|音声|録音", VIDEO),
    ),
    rule(
        "text.explain.ja",
        Task.TEXT,
        "(?:説明して|解説して|について教えて|なぜ" + REST + "(?:のですか|のか教えて))",
        0.95,
        "空がなぜ青いのか説明して",
        unless=(CODE, VIDEO, "最新|今日|ニュース|画像|写真"),
    ),
    rule(
        "text.chat.ja",
        Task.TEXT,
        r"\A\s*(?:こんにちは|こんばんは|おはよう(?:ございます)?|やあ)?[\s、。！!]*(?:元気ですか"
        r"|お元気ですか|調子はどう(?:ですか)?|あなたは誰(?:ですか)?|こんにちは|こんばんは"
        r"|おはよう(?:ございます)?|何か面白い話をして)[\s？?！!。]*\z",
        0.95,
        "こんにちは、お元気ですか？",
    ),
)
