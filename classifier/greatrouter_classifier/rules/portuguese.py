"""Portuguese."""

from functools import partial

from greatrouter_classifier.classification import ContentMode, Task
from greatrouter_classifier.matcher import Rule
from greatrouter_classifier.rules.english import CODE_WORD, IN_LANGUAGE
from greatrouter_classifier.rules.fragments import REST, START, STOP, gap, one_of

GAP = gap("de, sobre, para, com, que, em, do, da, a")
MAKE = one_of("""
    crie, cria, criar, faça, faz, fazer, gere, gera, gerar, desenhe, projete, produza, me dê, dê-me, mostre,
    elabore, uma?
""")
WRITE = one_of("""
    escreva, escreve, escrever, redija, redigir, componha, crie, faça, invente, conte, gere, me dê, elabore,
    prepare, uma?
""")
CODE_VERB = one_of(
    "escreva, escreve, escrever, redija, redigir, componha, crie, faça, invente, conte, gere, me dê, elabore, prepare"
)
PICTURE = one_of("""
    image(?:m|ns), fotos?, fotografias?, ilustraç(?:ão|ões), desenhos?, pinturas?, retratos?, logos?, logotipos?,
    pôster, cartaz, ícones?, papel de parede, aquarela, esboço, infográfico, avatar, miniatura, adesivo,
    capa de (?:livro|álbum)
""")
VIDEO = one_of("v[íi]deos?, animaç(?:ão|ões), videoclipe, clipe, curta-metragem, trailer")
EDIT = one_of("""
    remova, remover, tire, tirar, apague, apagar, mude, mudar, troque, trocar, substitua, adicione, coloque,
    recorte, melhore, edite, editar, converta, transforme, restaure, colora, desfoque, altere, retoque
""")
WORDS_ABOUT = (
    START
    + one_of("descreva, descrição, resuma, explique, o que, como, por que")
    + r"\s|"
    + MAKE
    + GAP
    + one_of("descrição, prompt, roteiro, história, título, resumo, lista, texto, letra, legenda")
    + STOP
)
rule = partial(Rule, language="pt")

RULES = (
    rule(
        "image.make.pt",
        Task.IMAGE,
        START + MAKE + GAP + PICTURE + STOP,
        0.99,
        "Você pode criar uma imagem de um farol no inverno?",
        unless=(WORDS_ABOUT, CODE_WORD, VIDEO),
    ),
    rule(
        "image.is.pt",
        Task.IMAGE,
        START + "(?:uma?|a|o) " + PICTURE + " (?:de|com|para|que|em|do|da) ",
        0.95,
        "uma ilustração de uma raposa lendo",
        unless=(WORDS_ABOUT, CODE_WORD, VIDEO),
    ),
    rule(
        "image.draw.pt",
        Task.IMAGE,
        START + r"(?:desenhe|desenha|desenhar|pinte|pinta|pintar|ilustre)(?:-me| para mim)? (?:uma?|uns|umas|o|a|os"
        r"|as|meu|minha)\s",
        0.95,
        "desenhe uma raposa lendo o jornal",
        unless=(r"conclus|parede|a casa de", CODE_WORD),
    ),
    rule(
        "image.edit.pt",
        Task.IMAGE,
        r"\A\W*" + EDIT + r"\s" + REST + r"(?:fotos?|image(?:m|ns)|fotografia|retrato|fundo)" + STOP,
        0.95,
        "Remova os turistas desta foto",
        ContentMode.EDIT,
        unless=(CODE_WORD, VIDEO, r"fundo de (?:invest|garantia)|álbum"),
    ),
    rule(
        "image.combine.pt",
        Task.IMAGE,
        START + r"(?:combine|junte|una|misture|funda|mescle)\s" + REST + r"(?:fotos|imagens)" + STOP,
        0.95,
        "Junte estas duas fotos em uma só",
        ContentMode.COMBINE,
        unless=(CODE_WORD, VIDEO),
    ),
    rule(
        "video.make.pt",
        Task.VIDEO,
        START + MAKE + GAP + VIDEO + STOP,
        0.95,
        "Faça um vídeo curto de ondas sob um píer",
        unless=(WORDS_ABOUT, CODE_WORD),
    ),
    rule(
        "video.animate.pt",
        Task.VIDEO,
        START + r"(?:anime|anima|animar) (?:esta|este|essa|esse|a|o|minha|meu) (?:foto|imagem|desenho|retrato)",
        0.95,
        "Anime esta foto da minha avó",
        unless=(CODE_WORD,),
    ),
    rule(
        "video.edit.pt",
        Task.VIDEO,
        START
        + "(?:"
        + EDIT
        + r"|corte|acelere|desacelere)\s"
        + REST
        + r"(?:este|esse|o|meu|estes|deste|do) v[íi]deos?"
        + STOP,
        0.95,
        "Corte este vídeo para dez segundos",
        ContentMode.EDIT,
        unless=(CODE_WORD, WORDS_ABOUT, r"em (?:texto|mp3)"),
    ),
    rule(
        "music.make.pt",
        Task.MUSIC,
        START
        + "(?:"
        + MAKE
        + r"|componha|compor)"
        + GAP
        + r"(?:canção|música|melodia|batida|beat|trilha sonora|jingle|instrumental|canção de ninar)"
        + STOP,
        0.95,
        "Componha uma melodia calma no piano",
        unless=(WORDS_ABOUT, CODE_WORD, VIDEO),
    ),
    rule(
        "speech.say.pt",
        Task.SPEECH,
        START + r"(?:leia|ler|lê|diga|fale|narre|recite|pronuncie)\s[^\n]*(?:em voz alta|com (?:uma )?voz|com sotaque)",
        0.95,
        "Leia este aviso em voz alta",
        unless=(CODE_WORD,),
    ),
    rule(
        "speech.synthesize.pt",
        Task.SPEECH,
        START + r"(?:converta|converter|transforme|passe)\s[^\n]*texto[^\n]*(?:em|para) (?:voz|áudio|fala)",
        0.95,
        "Converta este texto em áudio",
        unless=(CODE_WORD,),
    ),
    rule(
        "speech.transcribe.pt",
        Task.SPEECH,
        START
        + r"(?:transcreva|transcrever|transcreve)\s"
        + REST
        + r"(?:áudio|gravação|mensagem|entrevista|ligação|reunião|podcast)",
        0.95,
        "Transcreva esta mensagem de voz",
        unless=(CODE_WORD,),
    ),
    rule(
        "code.write.pt",
        Task.CODE,
        START
        + "(?:"
        + CODE_VERB
        + r"|programe|desenvolva|implemente|corrija|depure|otimize)"
        + GAP
        + r"(?:função|script|programa|código|consulta sql|expressão regular|algoritmo|página web|site"
        r"|aplicação web|classe em)" + STOP,
        0.95,
        "Escreva uma função que remova duplicatas de uma lista",
        unless=(
            r"programa de (?:treino|tv|fidelidade|estudos|exerc)|código (?:penal|postal|de conduta|de vestimenta)",
        ),
    ),
    rule(
        "code.in_language.pt",
        Task.CODE,
        START + "(?:" + CODE_VERB + r"|programe|desenvolva|implemente|como)\s" + REST + r"\b(?:em|com)" + IN_LANGUAGE,
        0.95,
        "Como ordenar um dicionário em Python?",
        unless=(r"redação|curso|poema|currículo",),
    ),
    rule(
        "web_search.now.pt",
        Task.WEB_SEARCH,
        START + r"(?:(?:quais são |me dê |mostre )?as (?:últimas|mais recentes) notícias"
        r"|(?:últimas )?notícias (?:de hoje|sobre|do|da)|(?:como está|qual é|como vai estar) (?:o tempo"
        r"|o clima|a previsão)|previsão do tempo|(?:qual (?:é )?)?(?:o )?(?:preço|cotação|valor"
        r"|taxa de câmbio) (?:atual|de hoje|do dólar|do bitcoin)|quem ganhou|(?:pesquise|procure"
        r"|busque) (?:na internet|no google|na web|online))",
        0.95,
        "Como está o tempo hoje em Recife?",
    ),
    rule(
        "text.write.pt",
        Task.TEXT,
        START
        + WRITE
        + GAP
        + r"(?:redação|ensaio|poema|haicai|história|conto|carta|e-?mail|artigo|resumo|discurso|resenha|fábula"
        r"|piada|receita|diálogo|letra)" + STOP,
        0.95,
        "Escreva uma história sobre uma pintora",
        unless=(CODE_WORD, "ensaio fotográfico"),
    ),
    rule(
        "text.translate.pt",
        Task.TEXT,
        START + r"(?:traduza|traduzir|traduz)\s",
        0.95,
        "Traduza esta frase para o inglês",
        unless=(CODE_WORD, r"áudio|gravação|vídeo|imagem"),
    ),
    rule(
        "text.summarize.pt",
        Task.TEXT,
        START + r"(?:resuma|resumir|faça um resumo|parafraseie|reescreva|reformule|corrija (?:este|o|meu) texto"
        r"|corrija a gramática)(?:\s|:)",
        0.95,
        "Resuma este artigo em três frases",
        unless=(CODE_WORD, r"notícias|áudio"),
    ),
    rule(
        "text.explain.pt",
        Task.TEXT,
        START + r"(?:explique|explica|explicar|me explique|descreva) (?:como|por que|o que|a|o|os|as|para)\s",
        0.95,
        "Explique por que o céu é azul",
        unless=(CODE_WORD, r"imagem|foto|hoje|notícia"),
    ),
    rule(
        "text.chat.pt",
        Task.TEXT,
        r"\A\W*(?:ol[áa]|oi|bom dia|boa (?:tarde|noite))?\W*(?:tudo bem|como (?:você )?(?:está|vai)"
        r"|quem é você|conte uma piada|ol[áa]|oi|bom dia|boa tarde|boa noite)(?: você| hoje)?\W*\z",
        0.95,
        "Oi, tudo bem?",
    ),
)
