"""Korean. The verb stands last: what is asked for comes first."""

from functools import partial

from greatrouter_classifier.classification import ContentMode, Task
from greatrouter_classifier.matcher import Rule
from greatrouter_classifier.rules.english import LANGUAGE
from greatrouter_classifier.rules.fragments import REST, one_of

MAKE = one_of("그려, 그리세요, 만들어, 만드세요, 생성해, 생성하세요, 제작해, 제작하세요, 디자인해, 필요해")
WRITE = one_of("써, 쓰세요, 작성, 지어, 만들어, 들려, 적어")
PICTURE = one_of("""
    이미지, 그림, 사진, 일러스트, 로고, 포스터, 아이콘, 배경화면, 초상화, 수채화, 유화, 썸네일, 배너, 캐릭터 시트,
    삽화, 스케치
""")
VIDEO = one_of("영상, 동영상, 비디오, 애니메이션, 예고편, 쇼츠")
CODE = one_of("""
    함수, 코드, 스크립트, 프로그램, 쿼리, 정규식, 정규 표현식, 알고리즘, 웹사이트, 웹페이지, 파이썬, 자바스크립트,
    sql, html, 크롤러
""")
TALK = "설명문|프롬프트|대본|각본|제목|가사|방법|하는 법|그리는 법|이란|무엇"
rule = partial(Rule, language="ko")

RULES = (
    rule(
        "image.make.ko",
        Task.IMAGE,
        PICTURE + "(?:을|를|은|는|도| 한 장| 하나|\\s)" + REST + MAKE,
        0.95,
        "겨울 등대 그림을 그려 주세요",
        unless=(CODE, VIDEO, TALK),
    ),
    rule(
        "image.draw.ko",
        Task.IMAGE,
        "(?:을|를|한 마리|한 명)\\s?그려\\s?(?:줘|주세요|줄래|주실)",
        0.95,
        "신문을 읽는 여우를 그려줘",
        unless=(CODE, VIDEO, TALK, "표를|그래프|도표"),
    ),
    rule(
        "image.edit.ko",
        Task.IMAGE,
        r"\A\s*"
        + REST
        + "(?:배경|사진|이미지)(?:을|를|에서|의|에)"
        + REST
        + "(?:지워|제거|삭제|바꿔|변경|교체|추가해|보정|흐리게|편집해|없애|잘라)",
        0.95,
        "이 사진에서 관광객을 지워 줘",
        ContentMode.EDIT,
        unless=(CODE, VIDEO, TALK),
    ),
    rule(
        "image.combine.ko",
        Task.IMAGE,
        "(?:사진|이미지)" + REST + "(?:합쳐|합성|결합)",
        0.95,
        "이 두 사진을 하나로 합쳐 줘",
        ContentMode.COMBINE,
        unless=(CODE, VIDEO, TALK),
    ),
    rule(
        "video.make.ko",
        Task.VIDEO,
        VIDEO + "(?:을|를| 하나| 한 편)" + REST + MAKE,
        0.95,
        "파도가 치는 짧은 영상을 만들어 줘",
        unless=(CODE, TALK),
    ),
    rule(
        "video.animate.ko",
        Task.VIDEO,
        "(?:사진|이미지|그림)(?:을|를) (?:움직이게|살아 움직|영상으로|애니메이션으로)",
        0.95,
        "이 사진을 움직이게 해 줘",
        unless=(CODE, TALK),
    ),
    rule(
        "video.edit.ko",
        Task.VIDEO,
        "(?:영상|동영상|비디오)(?:을|를|에서|에)"
        + REST
        + "(?:잘라|편집해|줄여|빠르게|느리게|지워|자막을 (?:넣|추가|달))",
        0.95,
        "이 영상을 십 초로 잘라 줘",
        ContentMode.EDIT,
        unless=(CODE, TALK),
    ),
    rule(
        "music.make.ko",
        Task.MUSIC,
        "(?:노래|음악|멜로디|곡|비트|배경음악|bgm|자장가|사운드트랙)(?:을|를|\\s)" + REST + "(?:작곡|만들어|생성|제작)",
        0.95,
        "잔잔한 피아노 멜로디를 작곡해 줘",
        unless=(CODE, VIDEO, TALK, "플레이리스트|재생 ?목록"),
    ),
    rule(
        "speech.say.ko",
        Task.SPEECH,
        "(?:소리 ?내어|목소리로|큰 소리로|음성으로|말투로)\\s?" + REST + "(?:읽|말해|낭독|들려)",
        0.95,
        "이 안내문을 소리 내어 읽어 줘",
        unless=(CODE, "방법|글을 써"),
    ),
    rule(
        "speech.synthesize.ko",
        Task.SPEECH,
        "(?:텍스트|글|문장|원고)(?:을|를)" + REST + "(?:음성으로|오디오로)",
        0.95,
        "이 텍스트를 음성으로 변환해 줘",
        unless=(CODE, "방법"),
    ),
    rule(
        "speech.transcribe.ko",
        Task.SPEECH,
        "(?:녹음|음성|오디오|통화|회의)" + REST + "(?:받아\\s?(?:써|적)|텍스트로|전사해|글로 (?:옮|바꿔)|녹취록)",
        0.95,
        "이 녹음을 텍스트로 바꿔 줘",
        unless=(CODE, "방법"),
    ),
    rule(
        "code.write.ko",
        Task.CODE,
        CODE + "(?:을|를|로|\\s)" + REST + "(?:작성|짜|만들|구현|고쳐|수정|디버그|리팩토링|최적화|써)",
        0.95,
        "리스트에서 중복을 제거하는 함수를 작성해 줘",
        unless=("운동 프로그램|교육 프로그램|할인 코드|쿠폰|에세이|의 그림|의 이미지",),
    ),
    rule(
        "code.in_language.ko",
        Task.CODE,
        LANGUAGE + "(?:으로|로|에서|의)" + REST + "(?:어떻게|방법|작성|만들|구현|정렬|코드|오류|에러)",
        0.95,
        "Python에서 딕셔너리를 정렬하는 방법은?",
        unless=("채용|연봉|에세이",),
    ),
    rule(
        "web_search.now.ko",
        Task.WEB_SEARCH,
        "(?:최신|오늘|어제|이번 주|내일|현재|지금)(?:의)?\\s?(?:[^\\s]+\\s)?(?:뉴스|소식|날씨|환율|주가"
        "|시세|가격|경기 결과|기온)|날씨(?:가|는)? (?:어때|어떤가|알려)|(?:인터넷|웹|구글|네이버)(?:에서"
        "|으로)? (?:검색|찾아)|검색해\\s?(?:줘|주세요)",
        0.95,
        "오늘 대구 날씨 어때?",
        unless=(CODE, VIDEO, PICTURE, "번역|글을 써|써 줘"),
    ),
    rule(
        "text.write.ko",
        Task.TEXT,
        "(?:에세이|시|소설|이야기|편지|이메일|메일|글|기사|독후감|연설문|자기소개서|보고서|동화|블로그|리뷰"
        "|농담|가사|대본|하이쿠|레시피)(?:를|을| 한 편| 한 통| 하나)\\s?" + REST + WRITE,
        0.95,
        "화가에 대한 이야기를 써 줘",
        unless=(CODE, VIDEO, "그림|이미지|음성"),
    ),
    rule(
        "text.translate.ko",
        Task.TEXT,
        "(?:번역해|번역하|번역을|번역 부탁)",
        0.95,
        "이 문장을 영어로 번역해 줘",
        unless=(CODE, VIDEO, "음성|녹음|프로그램"),
    ),
    rule(
        "text.summarize.ko",
        Task.TEXT,
        "(?:요약해|요약하|요약을|다시 써|고쳐 써|맞춤법|문법을 (?:고쳐|교정)|교정해)",
        0.95,
        "이 기사를 세 문장으로 요약해 줘",
        unless=(CODE, VIDEO, "뉴스|음성|녹음"),
    ),
    rule(
        "text.explain.ko",
        Task.TEXT,
        "(?:설명해|설명하시오|에 대해 알려|이유를 알려|왜 " + REST + "(?:인가요|건가요|일까요))",
        0.95,
        "하늘이 왜 파란지 설명해 줘",
        unless=(CODE, VIDEO, "최신|오늘|뉴스|날씨|사진|이미지"),
    ),
    rule(
        "text.chat.ko",
        Task.TEXT,
        r"\A\s*(?:안녕(?:하세요)?|반가워(?:요)?)?[\s,!.]*(?:잘 지내(?:세요|니)?|어떻게 지내(?:세요)?"
        r"|너는 누구(?:야|니)|누구세요|안녕(?:하세요)?|반가워(?:요)?|재미있는 이야기 해 줘"
        r"|농담 하나 해 줘)[\s?!.]*\z",
        0.95,
        "안녕하세요, 잘 지내세요?",
    ),
)
