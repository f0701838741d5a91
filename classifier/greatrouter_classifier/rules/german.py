"""German. In a polite request the verb stands last, so what is asked for may open the line."""

from functools import partial

from greatrouter_classifier.classification import ContentMode, Task
from greatrouter_classifier.matcher import Rule
from greatrouter_classifier.rules.english import CODE_WORD, IN_LANGUAGE
from greatrouter_classifier.rules.fragments import REST, START, STOP, gap, one_of

GAP = gap("für, über, von, mit, die, der, aus, zu, in, auf, wie")
MIR = "(?: mir| uns)?"
MAKE = (
    one_of("erstelle?, erzeuge, generiere?, mache?, entwirf, gestalte, designe, zeige?, gib, produziere, eine?n?") + MIR
)
WRITE = (
    one_of("""
        schreibe?, verfasse, formuliere, dichte, erzähle?, erfinde, erstelle?, mache?, generiere?, gib, entwirf,
        eine?n?
    """)
    + MIR
)
CODE_VERB = (
    one_of("schreibe?, verfasse, formuliere, dichte, erzähle?, erfinde, erstelle?, mache?, generiere?, gib, entwirf")
    + MIR
)
PICTURE = one_of("""
    bild, bilder, foto, fotos, illustration, zeichnung, gemälde, porträt, portrait, logo, poster, plakat, icon,
    hintergrundbild, aquarell, skizze, infografik, avatar, sticker, aufkleber, buchcover, albumcover
""")
VIDEO = one_of("videos?, videoclip, animation, kurzfilm, trailer, zeitraffer, clip, film")
EDIT = one_of("""
    entferne?, lösche?, ersetze?, ändere?, tausche?, füge?, schneide?, verbessere?, bearbeite?, verwandle?,
    wandle?, restauriere?, koloriere?, retuschiere?, mache?, drehe?, hebe?
""")
WORDS_ABOUT = (
    START
    + one_of("beschreibe?, fasse?, erkläre?, was, wie, warum")
    + r"\s|"
    + MAKE
    + GAP
    + one_of("""
        beschreibung, prompt, drehbuch, geschichte, titel, zusammenfassung, liste, text, songtext, skript,
        bildunterschrift
    """)
    + STOP
)
rule = partial(Rule, language="de")

RULES = (
    rule(
        "image.make.de",
        Task.IMAGE,
        START + MAKE + GAP + PICTURE + STOP,
        0.95,
        "Kannst du mir ein Bild von einem Leuchtturm im Winter erstellen?",
        unless=(WORDS_ABOUT, CODE_WORD, VIDEO),
    ),
    rule(
        "image.is.de",
        Task.IMAGE,
        START + r"(?:eine?n?|das) " + PICTURE + " (?:von|mit|für|einer|eines|im) ",
        0.95,
        "ein Aquarell von einem lesenden Fuchs",
        unless=(WORDS_ABOUT, CODE_WORD, VIDEO),
    ),
    rule(
        "image.draw.de",
        Task.IMAGE,
        START + r"(?:zeichne?|male?|skizziere?|illustriere?)" + MIR + r" (?:eine?n?|das|den|die|mein\w*)\s",
        0.95,
        "zeichne einen Fuchs, der Zeitung liest",
        unless=(r"schluss|vergleich|wand|diagramm", CODE_WORD),
    ),
    rule(
        "image.edit.de",
        Task.IMAGE,
        r"\A\W*" + EDIT + r"\s" + REST + r"(?:foto|fotos|bild|bilde?s?|bilder|porträt|hintergrund)" + STOP,
        0.95,
        "Entferne die Touristen aus diesem Foto",
        ContentMode.EDIT,
        unless=(CODE_WORD, VIDEO, r"im hintergrund läuft|erstelle"),
    ),
    rule(
        "image.combine.de",
        Task.IMAGE,
        START
        + r"(?:kombiniere?|verschmelze?|mische?|füge?|vereine?)\s"
        + REST
        + r"(?:fotos|bilder)"
        + STOP
        + REST
        + r"(?:zu|zusammen|$)",
        0.95,
        "Kombiniere diese zwei Fotos zu einem",
        ContentMode.COMBINE,
        unless=(CODE_WORD, VIDEO),
    ),
    rule(
        "video.make.de",
        Task.VIDEO,
        START + MAKE + GAP + VIDEO + STOP,
        0.95,
        "Erstelle ein kurzes Video von Wellen unter einem Steg",
        unless=(WORDS_ABOUT, CODE_WORD, r"empfiehl|empfehl|gute filme"),
    ),
    rule(
        "video.animate.de",
        Task.VIDEO,
        START + r"(?:animiere?|belebe?) (?:dieses|das|mein|diese|die) ",
        0.95,
        "Animiere dieses Foto meiner Oma",
        unless=(CODE_WORD,),
    ),
    rule(
        "video.edit.de",
        Task.VIDEO,
        START
        + "(?:"
        + EDIT
        + r"|kürze?|trimme?|beschleunige?|verlangsame?)\s"
        + REST
        + r"(?:dieses|das|mein|diesem|dem|meinem|die) (?:videos?|clips?|film)"
        + STOP,
        0.95,
        "Kürze das Video auf zehn Sekunden",
        ContentMode.EDIT,
        unless=(CODE_WORD, WORDS_ABOUT, r"in (?:text|mp3)"),
    ),
    rule(
        "music.make.de",
        Task.MUSIC,
        START
        + "(?:"
        + MAKE
        + r"|komponiere?)"
        + MIR
        + GAP
        + r"(?:\w*lied|song|melodie|musik|musikstück|beat|soundtrack|jingle|instrumental|schlaflied|hintergrundmusik)"
        + STOP,
        0.95,
        "Komponiere eine ruhige Melodie für Klavier",
        unless=(WORDS_ABOUT, CODE_WORD, VIDEO),
    ),
    rule(
        "speech.say.de",
        Task.SPEECH,
        START + r"(?:lies|lese|vorlesen|sage?|sprich|spreche)\s[^\n]*(?:laut vor|vor$|vor\."
        r"|mit (?:einer )?\w*\s?stimme|mit \w+ akzent|in \w+ stimme)",
        0.95,
        "Lies diese Durchsage laut vor",
        unless=(CODE_WORD,),
    ),
    rule(
        "speech.synthesize.de",
        Task.SPEECH,
        START + r"(?:wandle?|konvertiere?|mache?|verwandle?)\s[^\n]*text[^\n]*in (?:sprache|audio|eine sprachausgabe)",
        0.95,
        "Wandle diesen Text in Sprache um",
        unless=(CODE_WORD,),
    ),
    rule(
        "speech.transcribe.de",
        Task.SPEECH,
        START + r"transkribiere?n?\s",
        0.95,
        "Transkribiere diese Sprachnachricht",
        unless=(CODE_WORD, r"handschrift|foto|bild|dna"),
    ),
    rule(
        "code.write.de",
        Task.CODE,
        START
        + "(?:"
        + CODE_VERB
        + r"|programmiere?|entwickle?|implementiere?|korrigiere?|debugge?|optimiere?)"
        + GAP
        + r"(?:[\w-]+-)?(?:funktion|skript|script|programm|code|sql-abfrage|regulären ausdruck|regex"
        r"|algorithmus|webseite|website|web-app|klasse in)" + STOP,
        0.95,
        "Schreibe eine Funktion, die Duplikate aus einer Liste entfernt",
        unless=(r"trainingsprogramm|programm für (?:den|die|das|eine)|postleit|drehbuch",),
    ),
    rule(
        "code.in_language.de",
        Task.CODE,
        START
        + "(?:"
        + CODE_VERB
        + r"|programmiere?|entwickle?|implementiere?|wie)\s"
        + REST
        + r"\b(?:in|mit)"
        + IN_LANGUAGE,
        0.95,
        "Wie sortiere ich ein Dictionary in Python?",
        unless=(r"aufsatz|kurs|gedicht|lebenslauf",),
    ),
    rule(
        "web_search.now.de",
        Task.WEB_SEARCH,
        START + r"(?:(?:was sind |gib mir |zeig mir )?(?:die )?(?:neuesten|aktuellen|neueste"
        r"|aktuelle) (?:nachrichten|meldungen|news)|nachrichten (?:von heute|zu|über)|wie (?:ist"
        r"|wird) das wetter|wetter (?:in|heute|morgen)|(?:was ist |wie ist |wie hoch ist )?der (?:aktuelle"
        r"|heutige) (?:preis|kurs|wechselkurs|aktienkurs)|wer hat \w+ ?[^\n]*gewonnen"
        r"|suche? (?:im (?:internet|netz|web)|online|bei google)|google nach)",
        0.95,
        "Wie ist das Wetter heute in Kiel?",
    ),
    rule(
        "text.write.de",
        Task.TEXT,
        START
        + WRITE
        + GAP
        + r"(?:aufsatz|essay|gedicht|haiku|geschichte|märchen|brief|e-?mail|mail|artikel|zusammenfassung|rede"
        r"|rezension|fabel|witz|rezept|dialog|blogbeitrag|bewerbung|anschreiben|erörterung|liedtext"
        r"|songtext)" + STOP,
        0.95,
        "Schreibe eine Geschichte über eine Malerin",
        unless=(CODE_WORD,),
    ),
    rule(
        "text.translate.de",
        Task.TEXT,
        START + r"(?:übersetze?|übersetzen sie)" + MIR + r"\s",
        0.95,
        "Übersetze diesen Satz ins Englische",
        unless=(CODE_WORD, r"audio|aufnahme|video"),
    ),
    rule(
        "text.summarize.de",
        Task.TEXT,
        START + r"(?:fasse?\s[^\n]*zusammen|formuliere?\s[^\n]*um|paraphrasiere?\s|schreibe?\s[^\n]* um\W"
        r"|korrigiere? (?:diesen|den|meinen) (?:text|satz|aufsatz|brief))",
        0.95,
        "Fasse diesen Artikel in drei Sätzen zusammen",
        unless=(CODE_WORD, r"nachrichten|audio"),
    ),
    rule(
        "text.explain.de",
        Task.TEXT,
        START + r"(?:erkläre?|erläutere?|beschreibe?)" + MIR + r",? (?:wie|warum|was|die|das|den|der|bitte)\s",
        0.95,
        "Erkläre mir, warum der Himmel blau ist",
        unless=(CODE_WORD, r"\bbild|foto|heute|nachrichten"),
    ),
    rule(
        "text.chat.de",
        Task.TEXT,
        r"\A\W*(?:hallo|hi|hey|guten (?:tag|morgen|abend)|servus|moin)?\W*(?:wie geht(?:'s| es dir"
        r"| es ihnen)|wer bist du|erzähle? mir einen witz|hallo|guten (?:tag|morgen|abend)"
        r"|moin)(?: heute)?\W*\z",
        0.95,
        "Hallo, wie geht es dir?",
    ),
)
