"""Arabic. Vowel marks are usually left out, so they are optional here too."""

from functools import partial

from greatrouter_classifier.classification import ContentMode, Task
from greatrouter_classifier.matcher import Rule
from greatrouter_classifier.rules.english import CODE_WORD, LANGUAGE
from greatrouter_classifier.rules.fragments import REST, START, gap, one_of

GAP = gap("عن, من, في, على, مع, إلى, حول")
MAKE = one_of("[أا]نشئ, إنشاء, صمّ?م, تصميم, اصنع, صنع, ولّ?د, توليد, اعمل, عمل, [أا]عطني, [أا]نتج, ارسم")
WRITE = one_of("اكتب, كتابة, [أا]لّ?ف, حرّ?ر, [أا]عدّ?, [أا]نشئ, [أا]عطني, احك, صغ")
PICTURE = one_of("صورة, صور, رسمة, لوحة, شعارا?, ملصقا?, رسما? توضيحيا?, خلفية, بورتريه, [أا]يقونة, غلاف")
VIDEO = one_of("فيديو, مقطعا?, رسوما? متحركة, فيلما? قصيرا?, تحريك")
EDIT = one_of(
    "احذف, حذف, [أا]زل, إزالة, غيّ?ر, تغيير, استبدل, استبدال, [أا]ضف, إضافة, عدّ?ل, تعديل, حسّ?ن, تحسين, قصّ?, لوّ?ن"
)
CODE = one_of(
    "كودا?, دالة, برنامجا?, سكريبت, سكربت, شيفرة, شفرة, استعلام, خوارزمية, صفحة ويب, موقع ويب, بايثون, جافا ?سكريبت"
)
rule = partial(Rule, language="ar")

RULES = (
    rule(
        "image.make.ar",
        Task.IMAGE,
        START + MAKE + GAP + PICTURE,
        0.95,
        "من فضلك أنشئ لي صورة لمنارة في الشتاء",
        unless=(CODE, VIDEO, CODE_WORD, "وصف|قصة|مقال"),
    ),
    rule(
        "image.is.ar",
        Task.IMAGE,
        START + r"(?:صورة|لوحة|رسمة|شعار) (?:ل|تظهر|تمثل|واقعية|فنية|زيتية)",
        0.95,
        "لوحة زيتية لمنارة في الشتاء",
        unless=(CODE, VIDEO, CODE_WORD),
    ),
    rule(
        "image.draw.ar",
        Task.IMAGE,
        START + r"(?:ارسم|ارسمي|رسم)\s",
        0.95,
        "ارسم ثعلبا يقرأ الجريدة",
        unless=(CODE, VIDEO, "جدول|مخطط|استنتاج|بياني"),
    ),
    rule(
        "image.edit.ar",
        Task.IMAGE,
        r"\A\s*" + EDIT + r"\s" + REST + "(?:الصورة|صورة|صورتي|الصور|الخلفية|خلفية)",
        0.95,
        "أزل السياح من هذه الصورة",
        ContentMode.EDIT,
        unless=(CODE, VIDEO, CODE_WORD),
    ),
    rule(
        "image.combine.ar",
        Task.IMAGE,
        START + r"(?:ادمج|دمج|اجمع)\s" + REST + "(?:الصورتين|الصور|صورتين)",
        0.95,
        "ادمج هاتين الصورتين في صورة واحدة",
        ContentMode.COMBINE,
        unless=(CODE, VIDEO),
    ),
    rule(
        "video.make.ar",
        Task.VIDEO,
        START + MAKE + GAP + VIDEO,
        0.95,
        "اصنع لي مقطع فيديو قصير لأمواج البحر",
        unless=(CODE, CODE_WORD, "سيناريو|عنوان|وصف"),
    ),
    rule(
        "video.animate.ar",
        Task.VIDEO,
        START + r"(?:حرّ?ك|تحريك) (?:هذه )?(?:الصورة|صورة)",
        0.95,
        "حرك هذه الصورة القديمة لجدتي",
    ),
    rule(
        "video.edit.ar",
        Task.VIDEO,
        START + "(?:" + EDIT + r"|سرّ?ع|[أا]بطئ)\s" + REST + "(?:الفيديو|المقطع)",
        0.95,
        "قص هذا الفيديو إلى عشر ثوان",
        ContentMode.EDIT,
        unless=(CODE, "نص"),
    ),
    rule(
        "music.make.ar",
        Task.MUSIC,
        START + "(?:" + MAKE + r"|[أا]لّ?ف|لحّ?ن)" + GAP + "(?:[أا]غنية|لحنا?|موسيقى|مقطوعة|نغمة|تهويدة)",
        0.95,
        "ألف لي لحنا هادئا على البيانو",
        unless=(CODE, VIDEO, "كلمات"),
    ),
    rule(
        "speech.say.ar",
        Task.SPEECH,
        START + r"(?:اقر[أا]|قل|انطق|قراءة)\s" + REST + "(?:بصوت|جهرا)",
        0.95,
        "اقرأ هذا الإعلان بصوت عال",
        unless=(CODE,),
    ),
    rule(
        "speech.synthesize.ar",
        Task.SPEECH,
        START + r"(?:حوّ?ل|تحويل)\s" + REST + "نص" + REST + "[إا]لى (?:كلام|صوت|ملف صوتي|مقطع صوتي)",
        0.95,
        "حول هذا النص إلى صوت",
        unless=(CODE,),
    ),
    rule(
        "speech.transcribe.ar",
        Task.SPEECH,
        START
        + r"(?:(?:فرّ?غ|تفريغ)\s"
        + REST
        + r"(?:تسجيل|صوت|مقابلة|مكالمة)|(?:حوّ?ل|تحويل)\s"
        + REST
        + "(?:تسجيل|صوت|رسالة)"
        + REST
        + "[إا]لى نص)",
        0.95,
        "فرغ هذا التسجيل الصوتي",
        unless=(CODE,),
    ),
    rule(
        "code.write.ar",
        Task.CODE,
        START + "(?:" + WRITE + r"|برمج|صحّ?ح|اصنع|كيف)" + GAP + CODE,
        0.95,
        "اكتب دالة تحذف العناصر المكررة من القائمة",
        unless=("برنامج(?:ا)? (?:تدريب|غذائي|تلفزيون|رياضي)",),
    ),
    rule(
        "code.in_language.ar",
        Task.CODE,
        START + "(?:" + WRITE + r"|برمج|كيف|اصنع)\s" + REST + r"\s(?:ب|بلغة |في |باستخدام )" + LANGUAGE,
        0.95,
        "كيف أرتب قاموسا في Python؟",
    ),
    rule(
        "web_search.now.ar",
        Task.WEB_SEARCH,
        START + r"(?:(?:ما هي |ما |[أا]عطني )?(?:آخر|اخر|[أا]حدث) (?:ال)?[أا]خبار|[أا]خبار اليوم|(?:كيف "
        r"|ما )?(?:حالة |هي حالة )?الطقس|كيف الجو|(?:كم |ما هو )?سعر (?:الذهب|الدولار|اليورو|البيتكوين"
        r"|النفط|صرف|سهم)|من (?:فاز|ربح)|ابحث (?:في|على) (?:ال[إا]نترنت|جوجل|الويب))",
        0.95,
        "كيف الطقس اليوم في الرباط؟",
    ),
    rule(
        "text.write.ar",
        Task.TEXT,
        START
        + WRITE
        + GAP
        + "(?:مقالا?|مقالة|قصة|قصيدة|رسالة|بريدا?|خطابا?|خطبة|ملخصا?|تقريرا?|نكتة|وصفة|شعرا?|حوارا?|كلمات [أا]غنية)",
        0.95,
        "اكتب لي قصة قصيرة عن رسامة",
        unless=(CODE, CODE_WORD),
    ),
    rule(
        "text.translate.ar",
        Task.TEXT,
        START + r"(?:ترجم|ترجمة|ترجمي)\s",
        0.95,
        "ترجم هذه الجملة إلى الإنجليزية",
        unless=(CODE, "صوت|فيديو|تسجيل"),
    ),
    rule(
        "text.summarize.ar",
        Task.TEXT,
        START + r"(?:لخّ?ص|تلخيص|[أا]عد صياغة|[أا]عد كتابة|صحّ?ح (?:الأخطاء|هذا النص))\s",
        0.95,
        "لخص هذا المقال في ثلاث جمل",
        unless=(CODE, "[أا]خبار"),
    ),
    rule(
        "text.explain.ar",
        Task.TEXT,
        START + r"(?:اشرح|شرح|وضّ?ح|فسّ?ر)(?: لي)? ",
        0.95,
        "اشرح لي لماذا السماء زرقاء",
        unless=(CODE, CODE_WORD),
    ),
    rule(
        "text.chat.ar",
        Task.TEXT,
        r"\A\s*(?:مرحبا|[أا]هلا|السلام عليكم|صباح الخير|مساء الخير)?[\s،,!.]*(?:كيف (?:حالك|الحال)"
        r"|من [أا]نت|مرحبا|[أا]هلا|السلام عليكم|صباح الخير|مساء الخير|احك لي نكتة)[\s؟?!.]*\z",
        0.95,
        "مرحبا، كيف حالك؟",
    ),
)
