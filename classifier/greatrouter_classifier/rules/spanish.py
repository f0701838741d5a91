"""Spanish."""

from functools import partial

from greatrouter_classifier.classification import ContentMode, Task
from greatrouter_classifier.matcher import Rule
from greatrouter_classifier.rules.english import CODE_WORD, IN_LANGUAGE
from greatrouter_classifier.rules.fragments import REST, START, STOP, gap, one_of

GAP = gap("de, sobre, para, con, que, en, a, del, acerca")
MAKE = one_of("""
    crea, créame, crear, cree, haz, hazme, hacer, genera, genérame, generar, genere, diseña, diséñame, diseñar,
    produce, dame, muéstrame, elabora, realiza, me hagas, hagas, me crees, generes, un, una
""")
WRITE = one_of("""
    escribe, escríbeme, escribir, redacta, redactar, compón, crea, haz, hazme, inventa, cuéntame, genera, dame,
    elabora, prepara, un, una, unos
""")
CODE_VERB = one_of("""
    escribe, escríbeme, escribir, redacta, redactar, compón, crea, haz, hazme, inventa, cuéntame, genera, dame,
    elabora, prepara
""")
PICTURE = one_of("""
    im[aá]gen(?:es)?, fotos?, fotograf[ií]as?, ilustraci[oó]n(?:es)?, dibujos?, pinturas?, retratos?, logos?,
    logotipos?, p[oó]ster, cartel, [ií]conos?, fondo de pantalla, acuarela, boceto, infograf[ií]a, avatar, miniatura,
    pegatina, portada
""")
VIDEO = one_of("v[ií]deos?, animaci[oó]n(?:es)?, videoclip, clip, cortometraje, tr[aá]iler")
EDIT = one_of("""
    elimina, eliminar, quita, quitar, borra, borrar, cambia, cambiar, reemplaza, sustituye, añade, agrega, pon,
    recorta, mejora, edita, editar, convierte, transforma, restaura, colorea, difumina, desenfoca, modifica, retoca
""")
WORDS_ABOUT = (
    START
    + one_of("describe, descripción, resume, explica, qué, cómo, por qué")
    + r"\s|"
    + MAKE
    + GAP
    + one_of("descripción, prompt, gui[oó]n, historia, título, resumen, lista, texto, letra, playlist")
    + STOP
)
rule = partial(Rule, language="es")

RULES = (
    rule(
        "image.make.es",
        Task.IMAGE,
        START + MAKE + GAP + PICTURE + STOP,
        0.99,
        "Por favor, créame una imagen de un faro en invierno",
        unless=(WORDS_ABOUT, CODE_WORD, VIDEO),
    ),
    rule(
        "image.is.es",
        Task.IMAGE,
        START + "(?:una?|la) " + PICTURE + " (?:de|con|en|que|para) ",
        0.95,
        "una ilustración de un zorro leyendo",
        unless=(WORDS_ABOUT, CODE_WORD, VIDEO),
    ),
    rule(
        "image.draw.es",
        Task.IMAGE,
        START
        + r"(?:dibuja|dibújame|dibujar|pinta|píntame|pintar|ilustra)(?:me)? (?:una?|unos|unas|el|la|los|las|a|mi)\s",
        0.95,
        "dibuja un zorro que lee el periódico",
        unless=(r"conclusi[oó]n|la casa de|pared", CODE_WORD),
    ),
    rule(
        "image.edit.es",
        Task.IMAGE,
        r"\A\W*" + EDIT + r"\s" + REST + r"(?:fotos?|im[aá]gen(?:es)?|fotograf[ií]a|retrato|fondo)" + STOP,
        0.95,
        "Quita a los turistas de esta foto",
        ContentMode.EDIT,
        unless=(CODE_WORD, VIDEO, r"fondo de (?:inversi|pantalla|pensi)|fotos? en un"),
    ),
    rule(
        "image.combine.es",
        Task.IMAGE,
        START + r"(?:combina|fusiona|une|mezcla|junta)\s" + REST + r"(?:fotos|im[aá]genes|fotograf[ií]as)",
        0.95,
        "Combina estas dos fotos en una sola",
        ContentMode.COMBINE,
        unless=(CODE_WORD, VIDEO),
    ),
    rule(
        "video.make.es",
        Task.VIDEO,
        START + MAKE + GAP + VIDEO + STOP,
        0.95,
        "¿Puedes hacer un video corto de olas bajo un muelle?",
        unless=(WORDS_ABOUT, CODE_WORD),
    ),
    rule(
        "video.animate.es",
        Task.VIDEO,
        START + r"(?:anima|animar) (?:esta|este|la|el|mi) ",
        0.95,
        "Anima esta foto de mi abuela",
        unless=(CODE_WORD,),
    ),
    rule(
        "video.edit.es",
        Task.VIDEO,
        START
        + r"(?:"
        + EDIT
        + r"|acelera|ralentiza|corta)\s"
        + REST
        + r"(?:este|el|mi|los|estos) (?:v[ií]deos?|clips?)"
        + STOP,
        0.95,
        "Recorta el video a diez segundos",
        ContentMode.EDIT,
        unless=(CODE_WORD, WORDS_ABOUT, r"(?:a|en) (?:texto|mp3)"),
    ),
    rule(
        "music.make.es",
        Task.MUSIC,
        START
        + "(?:"
        + MAKE
        + r"|compón|componer|compone)"
        + GAP
        + r"(?:canci[oó]n|melod[ií]a|m[uú]sica|beat|banda sonora|jingle|instrumental|nana|pista musical)"
        + STOP,
        0.95,
        "Compón una melodía tranquila de piano",
        unless=(WORDS_ABOUT, CODE_WORD, VIDEO),
    ),
    rule(
        "speech.say.es",
        Task.SPEECH,
        START + r"(?:lee|leer|léeme|di|decir|narra|recita|pronuncia)\s[^\n]*(?:en voz alta|con (?:una )?voz"
        r"|con acento|en voz)",
        0.95,
        "Lee este anuncio en voz alta",
        unless=(CODE_WORD,),
    ),
    rule(
        "speech.synthesize.es",
        Task.SPEECH,
        START + r"(?:convierte|convertir|pasa|transforma)\s[^\n]*texto[^\n]*(?:a|en) (?:voz|audio|habla)",
        0.95,
        "Convierte este texto a voz",
        unless=(CODE_WORD,),
    ),
    rule(
        "speech.transcribe.es",
        Task.SPEECH,
        START
        + r"(?:transcribe|transcribir|transcríbeme)\s"
        + REST
        + r"(?:audio|grabaci[oó]n|nota de voz|entrevista|llamada|reuni[oó]n|podcast|mensaje)",
        0.95,
        "Transcribe esta nota de voz",
        unless=(CODE_WORD,),
    ),
    rule(
        "code.write.es",
        Task.CODE,
        START
        + "(?:"
        + CODE_VERB
        + r"|programa|desarrolla|implementa|corrige|depura|optimiza|escriba)"
        + GAP
        + r"(?:funci[oó]n|script|programa|c[oó]digo|consulta sql|expresi[oó]n regular|algoritmo|p[aá]gina web"
        r"|aplicaci[oó]n web|clase en|bot de)" + STOP,
        0.95,
        "Escribe una función que quite los duplicados de una lista",
        unless=(
            r"programa de (?:ejercicio|entrenamiento|estudio|tv|televisi|radio|lealtad)"
            r"|c[oó]digo (?:de vestimenta|penal|postal|de conducta)|guion",
        ),
    ),
    rule(
        "code.in_language.es",
        Task.CODE,
        START
        + "(?:"
        + CODE_VERB
        + r"|programa|desarrolla|implementa|cómo|necesito|quiero)\s"
        + REST
        + r"\b(?:en|con)"
        + IN_LANGUAGE,
        0.95,
        "¿Cómo ordeno un diccionario en Python?",
        unless=(r"ensayo|curso|poema|curr[ií]culum",),
    ),
    rule(
        "web_search.now.es",
        Task.WEB_SEARCH,
        START + r"(?:(?:cu[aá]les son |dame |busca |qu[eé] hay de |muéstrame )?(?:las )?(?:[uú]ltimas"
        r"|recientes) noticias|noticias (?:de hoy|sobre|del|de la)|qu[eé] tiempo (?:hace|har[aá])"
        r"|(?:cu[aá]l es el |dime el )?(?:precio|cotizaci[oó]n|valor|tipo de cambio) (?:actual|de hoy|hoy)"
        r"|c[oó]mo est[aá] el (?:clima|tiempo)|el tiempo en|qui[eé]n gan[oó]|busca(?:r)? en (?:internet"
        r"|google|la web|l[ií]nea)|pron[oó]stico del tiempo)",
        0.95,
        "¿Qué tiempo hace hoy en Bilbao?",
    ),
    rule(
        "text.write.es",
        Task.TEXT,
        START
        + WRITE
        + GAP
        + r"(?:ensayo|poema|haiku|cuento|historia|carta|correo|e-?mail|art[ií]culo|resumen|discurso|rese[nñ]a"
        r"|f[aá]bula|relato|chiste|receta|redacci[oó]n|di[aá]logo|mon[oó]logo|letra)" + STOP,
        0.95,
        "Escribe un cuento sobre una pintora",
        unless=(CODE_WORD, PICTURE + r" (?:de|para|con)"),
    ),
    rule(
        "text.translate.es",
        Task.TEXT,
        START + r"(?:traduce|traducir|traduzca|tradúceme)\s",
        0.95,
        "Traduce esta frase al inglés",
        unless=(CODE_WORD, r"audio|grabaci|v[ií]deo|imagen"),
    ),
    rule(
        "text.summarize.es",
        Task.TEXT,
        START + r"(?:(?:resume|resumir|resuma)(?::| (?:este|esta|el|la|los|las|esto|en|brevemente|lo)\s)"
        r"|(?:resúmeme|haz un resumen|parafrasea|reescribe|corrige la (?:gram[aá]tica|ortograf[ií]a)"
        r"|corrige (?:este|el) texto)(?:\s|:))",
        0.95,
        "Resume este artículo en tres frases",
        unless=(CODE_WORD, r"noticias|audio"),
    ),
    rule(
        "text.explain.es",
        Task.TEXT,
        START
        + r"(?:explica|explícame|explicar|explique|describe) (?:c[oó]mo|qu[eé]|por qu[eé]|la|el|los|las|brevemente)\s",
        0.95,
        "Explícame por qué el cielo es azul",
        unless=(CODE_WORD, r"imagen|foto|noticias|hoy"),
    ),
    rule(
        "text.chat.es",
        Task.TEXT,
        r"\A\W*(?:hola|buenos d[ií]as|buenas (?:tardes|noches))?\W*(?:c[oó]mo est[aá]s|qui[eé]n eres"
        r"|qu[eé] tal|cu[eé]ntame un chiste|hola|buenos d[ií]as|buenas tardes)\W*\z",
        0.95,
        "Hola, ¿cómo estás?",
    ),
)
