"""Which traits the words of a request name, in the languages that most requests are written in.

A word may mean several things: "video" is what a model makes or what it watches, "audio" is listened to, read aloud or
the sound of a clip. All of its readings are told; which one is meant is for the kinds of models to say, as a model that
makes videos hears nothing. A verb beside the word ("reads", "takes", "generates") settles the direction.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

# -- what stands for itself --------------------------------------------------------------------------------------------

# Said of nothing but models, so that whoever says them describes one.
_JARGON = {
    "open-weights": (
        r"open[- ]?weights?|self[- ]?host\w*|poids ouverts|pesos abiertos|offene gewichte|开放权重|"
        "オープンウェイト"
    ),
    "long-context": (
        "(?:long|large|big|huge|wide)[- ]context|context (?:window|length)|contexto (?:largo|longo|amplio)|"
        r"(?:long|grand|large) contexte|contexte (?:long|large|étendu)|(?:lang|groß|gross)e[mnrs]? kontext\w*|"
        r"contesto (?:lungo|ampio)|(?:длинн|больш)\w+ контекст\w*|长上下文|長上下文|長いコンテキスト|긴 컨텍스트"
    ),
    "function_calling": (
        r"function[- ]?call\w*|tool[- ]?(?:use|using|usage|call\w*)|call(?:s|ing)? (?:functions|tools)|"
        r"llamada\w* (?:a|de) funci\w+|appels? (?:de fonctions?|d.outils?)|(?:funktions|werkzeug)aufruf\w*|"
        r"chiamat\w+ (?:a|di) (?:funzioni|strumenti)|вызов\w* (?:функци|инструмент)\w*|函数调用|工具调用|"
        "関数呼び出し|ツール(?:呼び出し|使用)|함수 호출"
    ),
    "structured_output": (
        r"json[- ](?:mode|schema|output\w*)|structured[- ](?:outputs?|json)|modo json|结构化输出|構造化出力"
    ),
    "prompt_caching": r"(?:prompt|context)[- ]?cach\w*",
    "computer_use": "computer[- ]use",
    "text_generation": r"llms?|(?:language|chat)[- ]models?|sprachmodell\w*|语言模型|言語モデル|언어 모델",
}
# Said of a model where something else says that there is one.
_OTHERS = {
    "economy": (
        r"cheap\w*|inexpensive|affordable|economical|low(?:er|est)?[- ](?:cost|price)\w*|budget|barat\w+|"
        r"econ[oóô]mic\w+|pas cher\w*|bon marché|abordable\w*|économique\w*|günstig\w*|billig\w*|preiswert\w*|"
        r"дёшев\w*|дешев\w*|дешёв\w*|недорог\w*|便宜|廉价|低价|安い|安価|低コスト|저렴|सस्त\w*|رخيص\w*"
    ),
    "open-weights": (
        r"open[- ]?source\w*|open(?= (?:\w+ ){0,2}(?:models?|llms?))|on[- ]prem\w*|locally|"
        r"código a(?:bierto|berto)|code (?:source )?ouvert|quelloffen\w*|offene[nrsm]?|"
        r"selbst (?:zu )?(?:hosten|betreiben)|откры\w+|开源|開源|オープンソース|오픈 ?소스"
    ),
    "long-context": (
        "(?:very )?longs? (?:documents?|textes?|texts?|inputs?|prompts?|conversations?)|"
        "lange[nr]? (?:dokumente?|texte?)|"
        "(?:documentos|textos) (?:largos|longos)|(?:documenti|testi) lunghi|длинн\\w+ (?:документ|текст)\\w*|"
        r"(?:whole|entire) (?:books?|\w*bases?|repos\w*)"
    ),
    "function_calling": (
        r"tools?|agent\w*|functions|apis?|herramientas|outils?|werkzeuge?n?|strumenti|ferramentas|инструмент\w*|"
        "工具|ツール|도구"
    ),
    "structured_output": (
        r"json|structured|schemas?|strukturiert\w*|estructurad\w+|structurée?s?|结构化|構造化|구조화"
    ),
    "reasoning": (
        r"reason(?:s|ing|er)?|think(?:s|ing)|chain[- ]of[- ]thought|step[- ]by[- ]step|razona\w*|raisonn\w*|"
        r"raciocín\w*|schlussfolger\w*|ragiona\w*|рассужд\w*|推理|推論|추론"
    ),
    "web_search": (
        r"(?:search|surf)\w* (?:\w+ )?(?:web|internet|online)|"
        r"(?:web|internet|online)[- ]?(?:search\w*|access|suche)|"
        r"(?:busca\w*|cherche\w*|recherche\w*|cerca\w*|ricerca\w*|pesquisa\w*) (?:\w+ ){0,2}(?:web|internet)|"
        r"поиск\w* (?:в|по) \w+|联网|网络搜索|ウェブ検索|웹 검색"
    ),
    "prompt_caching": "cach(?:e|es|ing)",
    "vision": "ocr",
    "audio_input": (
        r"listen\w*|hears?|escuch\w+|écoute\w*|hört|hören|ascolt\w+|ouvir|ouve|слуша\w+|听懂|聞き取\w*|듣\w*"
    ),
    "computer_use": (
        r"(?:control|operat|us)\w* (?:a |the |my )?(?:computer|browser|desktop)s?|"
        "brows(?:es?|ing) (?:the )?(?:web|internet)|(?:browser|desktop) (?:automation|control)"
    ),
    "small": (
        r"small\w*|tiny|light(?:weight)?|fast\w*|quick\w*|speedy|low[- ]latency|rápid\w+|pequeñ\w+|rapides?|"
        r"petite?s?|léger\w*|schnell\w*|klein\w*|leicht\w*|veloc[ei]|piccol\w+|быстр\w+|маленьк\w+|л[её]гк\w+|"
        "快速|小型|轻量|高速|軽量|빠른|작은"
    ),
    "text_generation": (
        r"chat(?:bots?)?|gespräche?|conversa\w+|translat\w+|tradu[cirz]\w+|übersetz\w+|перев[оё]д\w*|翻译|翻訳|번역"
    ),
}
# What a kind of model does; at the head of a request these name the kind by themselves.
_KINDS = {
    "text_to_speech": (
        r"text[- ]to[- ]speech|tts|narrat\w+|voice-?overs?|audiobooks?|speech (?:synthesis|generation)|"
        r"texto a voz|synthèse vocale|sprachausgabe|sprachsynthese|sintesi vocale|озвуч\w+|синтез\w* речи|"
        "语音合成|文字转语音|音声合成|読み上げ|음성 합성"
    ),
    "speech_to_text": (
        r"transcri\w+|transkri\w+|trascri\w+|speech[- ](?:to[- ]text|recognition)|stt|asr|dictation|subtitling|"
        r"reconocimiento de voz|reconnaissance vocale|spracherkennung\w*|riconoscimento vocale|"
        r"reconhecimento de (?:voz|fala)|транскри\w+|расшифровк\w+|распознавани\w+ речи|语音识别|語音辨識|转录|"
        "转写|音声認識|文字起こし|음성 인식|받아쓰기"
    ),
    "rerank": (
        r"re-?rank\w*|rank(?:s|ing)? (?:\w+ )?(?:results?|hits?|documents?|passages?)|переранж\w+|重排\w*|"
        r"リランク\w*|재순위"
    ),
    "embeddings": (
        r"(?:vector |text |sentence )?embed(?:s|dings?|der)?|vectori[sz]\w+|(?:semantic|similarity) search|"
        r"эмбеддинг\w*|嵌入|向量|埋め込み|임베딩"
    ),
}

# -- what goes in or comes out -----------------------------------------------------------------------------------------

_MATTER = {
    "image": (
        "images?|pictures?|photo(?:s|graphs?)?|screenshots?|charts?|diagrams?|scans?|illustrations?|logos?|"
        r"posters?|im[aá]gen(?:es)?|image[mn]s?|fotos?|bild(?:er|ern)?|immagin[ei]|изображени\w+|картин\w+|"
        r"фото\w*|скриншот\w*|图像|图片|圖像|圖片|照片|截图|画像|写真|スクリーンショット|이미지|사진|चित्र|छवि|صور"
    ),
    "video": (
        r"videos?|films?|clips?|movies?|vídeos?|vidéos?|видео\w*|视频|影片|動画|ビデオ|영상|비디오|동영상|वीडियो|"
        "فيديو"
    ),
    "audio": r"audios?|sounds?|recordings?|podcasts?|sonidos?|аудио\w*|звук\w*|音频|音訊|录音|音声|오디오|ऑडियो|صوت",
    "speech": r"speech|spoken|voices?|voz|voix|stimmen?|sprache|voce|голос\w*|реч[ьи]|语音|語音|음성",
    "music": (
        r"music|songs?|jingles?|melod\w+|soundtracks?|música|musique|musik\w*|musica|canci\w+|chansons?|музык\w+|"
        r"песн\w+|音乐|音樂|歌曲|音楽|음악|संगीत|موسيقى"
    ),
    "file": "pdfs?",
    "text": r"texts?|texto|texte|testo|текст\w*|文字|文本|テキスト|텍스트",
    "sight": r"vision|multi-?modal\w*|visual\w*|visión|visão|visione|视觉|視覚|비전",
}
# A machine for one of those, at the head of a request.
_MACHINE = r"generat(?:ors?|ion)|synthesi[sz]\w+|edit(?:ing|ors?)|recognition|erzeug\w+|generier\w+|生成"
# Before or after those.
_SIDES = {
    "in": (
        r"takes?|taking|accepts?|handles?|handling|reads?|reading|understand\w*|analy[sz]\w+|watch\w*|listen\w*|"
        r"hears?|sees?|interprets?|process\w*|inputs?|describes?|describing|recogni[sz]\w+|comprehen\w+|caption\w*|"
        r"summari[sz]\w+|classif\w+|extract\w*|detect\w*|parses?|parsing|transcri\w+|"
        r"from (?:an?|the|my|our|still)|ent[ie]+nd\w+|analiz\w+|leer?|procesa\w*|compren[ds]\w+|lire|"
        r"lis(?:ant|e)|versteh\w*|liest|lesen|erkenn\w+|analysier\w+|capi(?:re|sc\w+)|legg\w+|понима\w+|чита\w+|"
        r"распозна\w+|анализ\w+|理解|识别|識別|读取|讀取|分析|看懂|認識|読め|読み|読む|解析|이해|읽|인식"
    ),
    "out": (
        r"generat\w+|creat(?:es?|ing|ors?|ion)|mak(?:es?|ing)|produc(?:es?|ing|ir|e)|draw\w*|paint\w*|render\w*|synthesi[sz]\w+|compos\w+|"
        r"outputs?|design\w*|genera\w*|crear?e?|creaci[oó]n|creazione|g[ée]n[ée]r\w+|génèr\w+|crée\w*|erzeug\w*|erstell\w*|gera\w*|"
        r"cria\w*|генер\w+|созда\w+|рисова\w+|рису\w+|生成|制作|製作|创作|作成|생성|만드|만들"
    ),
    "edit": r"edit\w*|retouch\w*|modif\w+|bearbeit\w*|éditi?\w+|retusch\w*|редактир\w+|编辑|編輯|編集|편집",
    "to": "to",
    "model": r"models?|modelos?|modèles?|modell\w*|модел\w+|模型|モデル|모델|मॉडल|نموذج",
    "stop": "[.;:!?。；：]",
}
# The readings of what goes in, comes out, is edited, or of which nobody says.
_READINGS: dict[str, dict[str | None, tuple[str, ...]]] = {
    "image": {
        "in": ("vision", "image_to_video"),
        "out": ("image_generation",),
        "edit": ("image_edit",),
        None: ("image_generation", "vision", "image_to_video"),
    },
    "sight": {None: ("vision",)},
    "video": {
        "in": ("video_input",),
        "out": ("video_generation",),
        "edit": ("video_edit",),
        None: ("video_generation", "video_input"),
    },
    "audio": {
        "in": ("audio_input", "speech_to_text"),
        "out": ("text_to_speech", "music_generation", "sound"),
        None: ("audio_input", "speech_to_text", "text_to_speech", "music_generation", "sound"),
    },
    "speech": {
        "in": ("speech_to_text", "audio_input"),
        "out": ("text_to_speech", "sound"),
        None: ("text_to_speech", "speech_to_text", "audio_input", "sound"),
    },
    "music": {"in": ("audio_input",), None: ("music_generation", "sound")},
    "file": {None: ("pdf_input",)},
}


_LETTER = "[0-9a-zß-ӿ؀-ۿ]"


def _pattern(words: str) -> re.Pattern[str]:
    """Whole words only, but for languages that write no space between them."""
    return re.compile(f"(?:(?<!{_LETTER})|(?!{_LETTER}))(?:{words})(?:(?!{_LETTER})|(?<!{_LETTER}))")


_TERMS = [
    (key, part is _JARGON, part is _KINDS, _pattern(words))
    for part in (_KINDS, _JARGON, _OTHERS)
    for key, words in part.items()
]
_MARKS = re.compile("|".join(f"(?P<{name}>{_pattern(words).pattern})" for name, words in (_MATTER | _SIDES).items()))
_HEAD = re.compile(rf"\W*(?:{'|'.join(_MATTER.values())})\W*(?:{_MACHINE})")
_MODEL = _pattern(_SIDES["model"] + "|ai")


@dataclass(frozen=True, slots=True)
class Reading:
    """`named` holds, for each thing that is asked for, the traits that may be meant; `rest` is what is left of the
    text. `of_a_model` says that the words speak of a model rather than of the work."""

    named: tuple[tuple[str, ...], ...]
    rest: str
    of_a_model: bool


def read(text: str) -> Reading:
    """
    >>> read("a cheap model that reads PDFs").named
    (('economy',), ('pdf_input',))
    >>> read("video model").named
    (('video_generation', 'video_input'),)
    """
    text = text.casefold()
    of_a_model = _MODEL.search(text) is not None
    head = re.match(r"\W*", text)
    named: list[tuple[str, ...]] = []
    for key, jargon, kind, words in _TERMS:
        if found := words.search(text):
            named.append((key,))
            of_a_model = of_a_model or jargon or (kind and head is not None and found.start() == head.end())
            text = words.sub(lambda match: " " * len(match[0]), text)
    named.extend(_sides(text))
    of_a_model = of_a_model or _HEAD.match(text) is not None
    return Reading(tuple(dict.fromkeys(named)), _MARKS.sub(" ", text), of_a_model)


def _sides(text: str) -> Iterator[tuple[str, ...]]:
    """What goes in or comes out, in the order of the text."""
    marks = list(_MARKS.finditer(text))
    for i, mark in enumerate(marks):
        readings = _READINGS.get(mark.lastgroup or "")
        if readings is not None:
            yield readings.get(_side(text, marks, i)) or readings[None]


def _side(text: str, marks: Sequence[re.Match[str]], i: int) -> str | None:
    """A word beside it ("image generation", "speech to"), or else the nearest verb before it, or else after it."""
    after = marks[i + 1] if i + 1 < len(marks) and not text[marks[i].end() : marks[i + 1].start()].strip(" -") else None
    if after is not None and after.lastgroup in ("in", "out", "edit"):
        return after.lastgroup
    if after is not None and after.lastgroup == "to":
        return "in"
    if i > 1 and marks[i - 1].lastgroup == "to" and marks[i - 2].lastgroup in _MATTER:
        return "out"
    before, behind = [mark.lastgroup for mark in marks[:i]], [mark.lastgroup for mark in marks[i + 1 :]]
    for names, bounds in ((reversed(before), ("stop",)), (iter(behind), ("stop", "model"))):
        for name in names:
            if name in bounds:
                break
            if name in ("in", "out", "edit"):
                return name
    return None
