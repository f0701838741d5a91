"""Italian."""

from functools import partial

from greatrouter_classifier.classification import ContentMode, Task
from greatrouter_classifier.matcher import Rule
from greatrouter_classifier.rules.english import CODE_WORD, IN_LANGUAGE
from greatrouter_classifier.rules.fragments import REST, START, STOP, gap, one_of

GAP = gap("di, su, per, con, che, in, del, della, sul, sulla")
MAKE = one_of("""
    crea, creami, creare, fai, fammi, fare, genera, generami, generare, disegna, progetta, produci, dammi,
    mostrami, realizza, realizzare, un, una, uno
""")
WRITE = one_of("""
    scrivi, scrivimi, scrivere, redigi, componi, crea, fai, fammi, inventa, raccontami, genera, dammi, prepara,
    un, una, uno
""")
CODE_VERB = one_of(
    "scrivi, scrivimi, scrivere, redigi, componi, crea, fai, fammi, inventa, raccontami, genera, dammi, prepara"
)
PICTURE = one_of("""
    immagin[ei], foto, fotografi[ae], illustrazion[ei], disegn[oi], dipint[oi], ritratt[oi], logo, poster, locandina,
    manifesto, icon[ae], sfondo, acquerello, schizzo, infografica, avatar, miniatura, adesivo, copertina
""")
VIDEO = one_of("video, videoclip, animazion[ei], cortometraggio, clip, trailer, filmato")
EDIT = one_of("""
    rimuovi, rimuovere, togli, togliere, elimina, cancella, cambia, cambiare, sostituisci, aggiungi, metti,
    ritaglia, migliora, modifica, modificare, converti, trasforma, restaura, colora, sfoca, ritocca
""")
WORDS_ABOUT = (
    START
    + one_of("descrivi, descrizione, riassumi, spiega, cosa, come, perché")
    + r"\s|"
    + MAKE
    + GAP
    + one_of("descrizione, prompt, sceneggiatura, storia, titolo, riassunto, lista, testo, didascalia, copione")
    + STOP
)
rule = partial(Rule, language="it")

RULES = (
    rule(
        "image.make.it",
        Task.IMAGE,
        START + MAKE + GAP + PICTURE + STOP,
        0.95,
        "Puoi creare un'immagine o una foto di un faro d'inverno?",
        unless=(WORDS_ABOUT, CODE_WORD, VIDEO),
    ),
    rule(
        "image.make_elided.it",
        Task.IMAGE,
        START
        + "(?:"
        + MAKE
        + r" )?un'(?:immagine|illustrazione|icona|infografica) (?:di|con|per|che|in|realist\w+|di un"
        r"|fotorealistica|vettoriale)",
        0.95,
        "Genera un'illustrazione di una volpe che legge",
        unless=(WORDS_ABOUT, CODE_WORD, VIDEO),
    ),
    rule(
        "image.draw.it",
        Task.IMAGE,
        START + r"(?:disegna|disegnami|disegnare|dipingi|dipingere|illustra)(?:mi)? (?:un|una|uno|il|lo|la|i|gli|le"
        r"|la mia|un')",
        0.95,
        "disegna una volpe che legge il giornale",
        unless=(r"conclusion|parete|pareti", CODE_WORD),
    ),
    rule(
        "image.edit.it",
        Task.IMAGE,
        r"\A\W*" + EDIT + r"\s" + REST + r"(?:foto|immagin[ei]|fotografia|ritratto|sfondo)" + STOP,
        0.95,
        "Togli i turisti da questa foto",
        ContentMode.EDIT,
        unless=(CODE_WORD, VIDEO, "album"),
    ),
    rule(
        "image.combine.it",
        Task.IMAGE,
        START + r"(?:combina|unisci|fondi|mescola)\s" + REST + r"(?:foto|immagini)" + STOP,
        0.95,
        "Unisci queste due foto in una sola",
        ContentMode.COMBINE,
        unless=(CODE_WORD, VIDEO),
    ),
    rule(
        "video.make.it",
        Task.VIDEO,
        START + MAKE + GAP + VIDEO + STOP,
        0.95,
        "Fai un breve video di onde sotto un molo",
        unless=(WORDS_ABOUT, CODE_WORD),
    ),
    rule(
        "video.animate.it",
        Task.VIDEO,
        START + r"(?:anima|animare) (?:questa|questo|la|il|mia|mio|la mia) (?:foto|immagine|disegno|ritratto)",
        0.95,
        "Anima questa foto di mia nonna",
        unless=(CODE_WORD,),
    ),
    rule(
        "video.edit.it",
        Task.VIDEO,
        START
        + "(?:"
        + EDIT
        + r"|taglia|accorcia|accelera|rallenta|monta)\s"
        + REST
        + r"(?:questo|il|mio|questi|del) (?:video|filmato)"
        + STOP,
        0.95,
        "Accorcia questo video a dieci secondi",
        ContentMode.EDIT,
        unless=(CODE_WORD, WORDS_ABOUT, r"in (?:testo|mp3)"),
    ),
    rule(
        "music.make.it",
        Task.MUSIC,
        START
        + "(?:"
        + MAKE
        + r"|componi|comporre)"
        + GAP
        + r"(?:canzone|melodia|musica|brano|beat|base musicale|colonna sonora|jingle|ninna nanna|strumentale)"
        + STOP,
        0.95,
        "Componi una melodia tranquilla al pianoforte",
        unless=(WORDS_ABOUT, CODE_WORD, VIDEO),
    ),
    rule(
        "speech.say.it",
        Task.SPEECH,
        START + r"(?:leggi|leggere|leggimi|d[iì]|pronuncia|recita)\s[^\n]*(?:ad alta voce|a voce alta"
        r"|con (?:una )?voce|con accento)",
        0.95,
        "Leggi questo annuncio ad alta voce",
        unless=(CODE_WORD,),
    ),
    rule(
        "speech.synthesize.it",
        Task.SPEECH,
        START + r"(?:converti|convertire|trasforma)\s[^\n]*testo[^\n]*in (?:voce|audio|parlato)",
        0.95,
        "Converti questo testo in voce",
        unless=(CODE_WORD,),
    ),
    rule(
        "speech.transcribe.it",
        Task.SPEECH,
        START
        + r"(?:trascrivi|trascrivere)\s"
        + REST
        + r"(?:audio|registrazione|messaggio|intervista|chiamata|riunione|podcast|vocale)",
        0.95,
        "Trascrivi questo messaggio vocale",
        unless=(CODE_WORD,),
    ),
    rule(
        "code.write.it",
        Task.CODE,
        START
        + "(?:"
        + CODE_VERB
        + r"|programma|sviluppa|implementa|correggi|ottimizza)"
        + GAP
        + r"(?:funzione|script|programma|codice|query sql|espressione regolare|algoritmo|sito web|pagina web|classe in)"
        + STOP,
        0.95,
        "Scrivi una funzione che rimuova i duplicati da una lista",
        unless=(
            r"programma (?:di allenamento|tv|di studio|televisivo)|codice (?:penale|postale|della strada|fiscale)",
        ),
    ),
    rule(
        "code.in_language.it",
        Task.CODE,
        START + "(?:" + CODE_VERB + r"|programma|sviluppa|implementa|come)\s" + REST + r"\b(?:in|con)" + IN_LANGUAGE,
        0.95,
        "Come ordino un dizionario in Python?",
        unless=(r"tema|corso|poesia|curriculum",),
    ),
    rule(
        "web_search.now.it",
        Task.WEB_SEARCH,
        START + r"(?:(?:quali sono |dammi |mostrami )?le (?:ultime|più recenti) (?:notizie|novità)|ultime notizie"
        r"|notizie (?:di oggi|su|sul|sulla)|che tempo (?:fa|farà)|(?:com'è il |previsioni )meteo|meteo (?:a"
        r"|di|oggi|domani)|(?:qual è il )?(?:prezzo|valore|cambio) (?:attuale|di oggi)|chi ha vinto"
        r"|cerca (?:su internet|su google|online|sul web))",
        0.95,
        "Che tempo fa oggi a Genova?",
    ),
    rule(
        "text.write.it",
        Task.TEXT,
        START
        + WRITE
        + GAP
        + r"(?:saggio|tema|poesia|haiku|storia|racconto|favola|lettera|e-?mail|mail|articolo|riassunto"
        r"|discorso|recensione|barzelletta|ricetta|dialogo|testo di)" + STOP,
        0.95,
        "Scrivi una storia su una pittrice",
        unless=(CODE_WORD,),
    ),
    rule(
        "text.translate.it",
        Task.TEXT,
        START + r"(?:traduci|tradurre|traducimi)\s",
        0.95,
        "Traduci questa frase in inglese",
        unless=(CODE_WORD, r"audio|registrazione|video|immagine"),
    ),
    rule(
        "text.summarize.it",
        Task.TEXT,
        START + r"(?:riassumi|riassumere|fai un riassunto|parafrasa|riscrivi|riformula|correggi (?:questo|il"
        r"|mio) testo|correggi la grammatica)(?:\s|:)",
        0.95,
        "Riassumi questo articolo in tre frasi",
        unless=(CODE_WORD, r"notizie|audio"),
    ),
    rule(
        "text.explain.it",
        Task.TEXT,
        START + r"(?:spiega|spiegami|spiegare|descrivi) (?:come|perch[éè]|cosa|che cosa|il|la|lo|le|i|gli)\s",
        0.95,
        "Spiegami perché il cielo è blu",
        unless=(CODE_WORD, r"immagine|foto|oggi|notizie"),
    ),
    rule(
        "text.chat.it",
        Task.TEXT,
        r"\A\W*(?:ciao|salve|buongiorno|buonasera)?\W*(?:come (?:stai|va)|chi sei"
        r"|raccontami una barzelletta|ciao|salve|buongiorno|buonasera)(?: oggi)?\W*\z",
        0.95,
        "Ciao, come stai?",
    ),
)
