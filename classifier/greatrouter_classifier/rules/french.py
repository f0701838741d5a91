"""French."""

from functools import partial

from greatrouter_classifier.classification import ContentMode, Task
from greatrouter_classifier.matcher import Rule
from greatrouter_classifier.rules.english import CODE_WORD, IN_LANGUAGE
from greatrouter_classifier.rules.fragments import REST, START, STOP, gap, one_of

GAP = gap("de, sur, pour, avec, qui, dans, du, des, à, que")
MOI = "(?:[- ]moi)?"
MAKE = (
    one_of("""
        cr[ée]e, créer, créez, fais, faire, faites, génère, générer, générez, conçois, concevoir, produis,
        réalise, réaliser, donne, montre, une?
    """)
    + MOI
)
WRITE = (
    one_of("""
        écris, écrire, écrivez, rédige, rédiger, rédigez, compose, invente, raconte, crée, fais, génère, donne,
        prépare, une?
    """)
    + MOI
)
CODE_VERB = (
    one_of("""
        écris, écrire, écrivez, rédige, rédiger, rédigez, compose, invente, raconte, crée, fais, génère, donne,
        prépare
    """)
    + MOI
)
PICTURE = one_of("""
    images?, photos?, photographies?, illustrations?, dessins?, peintures?, portraits?, logos?, affiche, ic[oô]nes?,
    fond d'écran, aquarelle, croquis, infographie, avatar, vignette, autocollant, tableau peint, couverture de livre
""")
VIDEO = one_of("vidéos?, vidéo-clip, animations?, clip vidéo, court[- ]métrage, bande[- ]annonce")
EDIT = one_of("""
    supprime, supprimer, enlève, enlever, retire, efface, change, changer, remplace, remplacer, ajoute, ajouter, mets,
    recadre, améliore, modifie, modifier, retouche, transforme, transformer, convertis, restaure, colorise, floute,
    éclaircis
""")
WORDS_ABOUT = (
    START
    + one_of("décris, description, résume, explique, qu'est-ce, comment, pourquoi")
    + r"\s|"
    + MAKE
    + GAP
    + one_of("description, prompt, scénario, histoire, titre, résumé, liste, texte, paroles, légende")
    + STOP
)
rule = partial(Rule, language="fr")

RULES = (
    rule(
        "image.make.fr",
        Task.IMAGE,
        START + MAKE + GAP + PICTURE + STOP,
        0.95,
        "Peux-tu créer une image d'un phare en hiver ?",
        unless=(WORDS_ABOUT, CODE_WORD, VIDEO),
    ),
    rule(
        "image.is.fr",
        Task.IMAGE,
        START + "(?:une?|l[ae]) " + PICTURE + " (?:de |d'|avec |pour |qui |montrant )",
        0.95,
        "une illustration d'un renard qui lit",
        unless=(WORDS_ABOUT, CODE_WORD, VIDEO),
    ),
    rule(
        "image.draw.fr",
        Task.IMAGE,
        START + r"(?:dessine|dessiner|dessinez|peins|peindre|illustre)" + MOI + r" (?:une?|des|le|la|les|mon|ma)\s",
        0.95,
        "dessine-moi un renard qui lit le journal",
        unless=(r"conclusions?|les murs|la maison|tableau comparatif", CODE_WORD),
    ),
    rule(
        "image.edit.fr",
        Task.IMAGE,
        r"\A\W*" + EDIT + r"\s" + REST + r"(?:photos?|images?|portrait|arrière-plan|fond)" + STOP,
        0.95,
        "Enlève les touristes de cette photo",
        ContentMode.EDIT,
        unless=(CODE_WORD, VIDEO, r"au fond|album"),
    ),
    rule(
        "image.combine.fr",
        Task.IMAGE,
        START + r"(?:combine|fusionne|mélange|assemble|réunis)\s" + REST + r"(?:photos|images)" + STOP,
        0.95,
        "Fusionne ces deux photos en une seule",
        ContentMode.COMBINE,
        unless=(CODE_WORD, VIDEO),
    ),
    rule(
        "video.make.fr",
        Task.VIDEO,
        START + MAKE + GAP + VIDEO + STOP,
        0.95,
        "Fais une courte vidéo de vagues sous une jetée",
        unless=(WORDS_ABOUT, CODE_WORD),
    ),
    rule(
        "video.animate.fr",
        Task.VIDEO,
        START + r"(?:anime|animer|animez) (?:cette|ce|la|le|ma|mon) (?:photo|image|dessin|portrait)",
        0.95,
        "Anime cette photo de ma grand-mère",
        unless=(CODE_WORD,),
    ),
    rule(
        "video.edit.fr",
        Task.VIDEO,
        START + "(?:" + EDIT + r"|coupe|accélère|ralentis|monte)\s" + REST + r"(?:cette|la|ma|ces|mes) vidéos?" + STOP,
        0.95,
        "Coupe cette vidéo à dix secondes",
        ContentMode.EDIT,
        unless=(CODE_WORD, WORDS_ABOUT, r"en (?:texte|mp3)"),
    ),
    rule(
        "music.make.fr",
        Task.MUSIC,
        START
        + "(?:"
        + MAKE
        + r"|compose|composer)"
        + GAP
        + r"(?:chanson|mélodie|musique|morceau|beat|bande[- ]son|jingle|instrumental|berceuse)"
        + STOP,
        0.95,
        "Compose une mélodie calme au piano",
        unless=(WORDS_ABOUT, CODE_WORD, VIDEO),
    ),
    rule(
        "speech.say.fr",
        Task.SPEECH,
        START + r"(?:lis|lire|lisez|dis|prononce|récite)\s[^\n]*(?:à voix haute|à haute voix|d'une voix"
        r"|avec une voix|avec un accent)",
        0.95,
        "Lis cette annonce à voix haute",
        unless=(CODE_WORD,),
    ),
    rule(
        "speech.synthesize.fr",
        Task.SPEECH,
        START + r"(?:convertis|convertir|transforme|mets)\s[^\n]*texte[^\n]*(?:en|à la) (?:audio|parole|voix)",
        0.95,
        "Convertis ce texte en audio",
        unless=(CODE_WORD,),
    ),
    rule(
        "speech.transcribe.fr",
        Task.SPEECH,
        START
        + r"(?:transcris|transcrire|transcrivez)\s"
        + REST
        + r"(?:audio|enregistrement|message|entretien|interview|réunion|podcast|appel)",
        0.95,
        "Transcris ce message vocal",
        unless=(CODE_WORD,),
    ),
    rule(
        "code.write.fr",
        Task.CODE,
        START
        + "(?:"
        + CODE_VERB
        + r"|code|programme|développe|implémente|corrige|débogue|optimise)"
        + GAP
        + r"(?:fonction|script|programme|code|requête sql|expression régulière|algorithme|site web|page web"
        r"|application web|classe en)" + STOP,
        0.95,
        "Écris une fonction qui retire les doublons d'une liste",
        unless=(
            r"programme (?:d'entraînement|de formation|sportif|de la journée|d'études|politique)"
            r"|code (?:de la route|vestimentaire|pénal|postal|de conduite)",
        ),
    ),
    rule(
        "code.in_language.fr",
        Task.CODE,
        START
        + "(?:"
        + CODE_VERB
        + r"|code|programme|développe|implémente|comment)\s"
        + REST
        + r"\b(?:en|avec)"
        + IN_LANGUAGE,
        0.95,
        "Comment trier un dictionnaire en Python ?",
        unless=(r"dissertation|cours|poème|lettre",),
    ),
    rule(
        "web_search.now.fr",
        Task.WEB_SEARCH,
        START + r"(?:(?:quelles sont |donne-moi |montre-moi )?les (?:dernières (?:nouvelles|actualités|infos)"
        r"|actualités)|actualités (?:du jour|sur)|quel temps (?:fait|fera)|(?:quelle est )?la météo"
        r"|météo (?:à|de|pour)|(?:quel est )?le (?:prix|cours|taux de change) (?:actuel|du jour|de l'action"
        r"|du bitcoin)|qui a gagné|(?:cherche|recherche)r? sur (?:internet|google|le web))",
        0.95,
        "Quel temps fait-il aujourd'hui à Brest ?",
    ),
    rule(
        "text.write.fr",
        Task.TEXT,
        START
        + WRITE
        + GAP
        + r"(?:essai|poème|haïku|histoire|conte|lettre|e-?mail|mail|courriel|article|discours|résumé"
        r"|dissertation|nouvelle|critique|fable|blague|recette|dialogue|paroles|rédaction)" + STOP,
        0.95,
        "Écris une histoire sur une peintre",
        unless=(CODE_WORD, PICTURE + r" (?:de|d')"),
    ),
    rule(
        "text.translate.fr",
        Task.TEXT,
        START + r"(?:traduis|traduire|traduisez|traduction)" + MOI + r"\s",
        0.95,
        "Traduis cette phrase en anglais",
        unless=(CODE_WORD, r"audio|enregistrement|vidéo|image"),
    ),
    rule(
        "text.summarize.fr",
        Task.TEXT,
        START + r"(?:résume|résumer|résumez|fais un résumé|reformule|paraphrase|réécris|corrige (?:ce|le|mon) texte"
        r"|corrige les fautes|corrige l'orthographe)(?:\s|:)",
        0.95,
        "Résume cet article en trois phrases",
        unless=(CODE_WORD, r"actualités|audio"),
    ),
    rule(
        "text.explain.fr",
        Task.TEXT,
        START + r"(?:explique|expliquer|expliquez)" + MOI + r" (?:comment|pourquoi|ce que|la|le|les|l')",
        0.95,
        "Explique-moi pourquoi le ciel est bleu",
        unless=(CODE_WORD, r"aujourd'hui|actualité"),
    ),
    rule(
        "text.chat.fr",
        Task.TEXT,
        r"\A\W*(?:bonjour|salut|bonsoir|coucou)?\W*(?:comment (?:ça va|vas-tu|allez-vous)|ça va|qui es-tu"
        r"|raconte-moi une blague|bonjour|salut|bonsoir)\W*\z",
        0.95,
        "Salut, comment ça va ?",
    ),
)
