"""What people say before they say what they want: "Hello, could you please help me to ..."."""

import re

# Per language, what may stand before the verb of a request without changing what is asked.
_BEFORE_WORDS = (
    # English
    r"please|pls|plz|kindly|hi|hey|hello|ok|okay|so|now|then|and|also|just|quickly|first|next|finally|sure"
    r"|thanks|there|maybe|possibly|instead"
    r"|(?:can|could|would|will|may|might) (?:you|u|i|we)|(?:i (?:want|need|would like|wish|am trying"
    r"|was hoping)|i'd (?:like|love)|i'm trying|want|need)(?: you)? to"
    r"|you (?:should|must|can|will|need to|are to)|your (?:task|job|goal) is to|help (?:me|us)(?: to)?"
    r"|let's|let us|go ahead and|try to|be able to"
    # Spanish
    r"|por favor|hola|buenas|(?:me )?(?:puedes|podr[ií]as?|puede)|(?:yo )?(?:quiero|quisiera|necesito"
    r"|me gustar[ií]a)(?: que)?|ay[uú]dame a|oye"
    # French
    r"|s'il (?:te|vous) pla[iî]t|stp|svp|bonjour|salut|(?:peux|pourrais)[- ]tu|(?:pouvez|pourriez)[- ]vous"
    r"|tu peux|vous pouvez|est-ce que|je (?:veux|voudrais|souhaite)"
    r"(?: que tu)?|j'aimerais(?: que tu)?|j'ai besoin(?: que tu|)|il me faut|aide[sz]?[- ]moi [àa]|merci de|veuillez"
    # German
    r"|bitte|hallo|guten tag|(?:kannst|k[oö]nntest|w[uü]rdest) du|(?:k[oö]nnen|k[oö]nnten|w[uü]rden) sie"
    r"|ich (?:m[oö]chte|will|brauche|h[aä]tte gerne?),?(?: dass du)?|hilf mir|mir|uns|mal"
    # Portuguese
    r"|ol[aá]|oi|(?:voc[eê] )?(?:pode|poderia)(?: me)?|(?:eu )?(?:quero|gostaria|preciso)(?: que"
    r"| de)?(?: voc[eê])?|me ajude a"
    # Italian
    r"|per (?:favore|piacere)|ciao|salve|(?:mi )?(?:puoi|potresti|potrebbe)|(?:voglio|vorrei"
    r"|ho bisogno)(?: che| di)?(?: tu)?|aiutami a|mi"
    # Russian
    r"|пожалуйста|привет|здравствуй(?:те)?|добрый день|(?:ты )?(?:можешь|можете|не мог бы ты|мог бы ты"
    r"|(?:не )?могли бы вы)(?: ли)?|(?:я )?(?:хочу|хотел бы|хотела бы),?(?: чтобы ты| чтобы вы)?"
    r"|мне (?:нужно|нужна|нужен|надо)|помоги(?:те)?(?: мне)?|прошу|давай|мне"
    # Arabic
    r"|من فضلك|لو سمحت|رجا[ءً]+|مرحبا|أهلا|السلام عليكم|هل (?:يمكنك|تستطيع|بإمكانك|يمكن)|(?:هل )?ممكن"
    r"|(?:أريد|اريد)(?: منك)?(?: أن| ان)?|أرغب في|[أا]حتاج(?: إلى| الى)?|ساعدني في|يرجى|أن|قم ب"
    # Hindi
    r"|कृपया|नमस्ते|प्लीज़?|क्या आप|क्या तुम|मुझे|मेरे लिए|आप|हमें|मैं चाहता हूँ कि(?: आप)?|मैं चाहती हूँ कि(?: आप)?"
    # Korean, Japanese
    r"|안녕하세요|안녕|제발|혹시|저기요?|나를 위해|저를 위해"
)
# Languages that write no space between words.
_BEFORE_CHARACTERS = (
    r"请你?|請你?|帮我|幫我|麻烦你?|麻煩你?|能不能|可不可以|可以|你能|能否|你可以|我想要?你?|我要你?"
    r"|我希望你?|我需要你?|你好|给我|給我|为我|為我|帮忙|您|一下|让你|讓你|想请你"
    r"|すみません|こんにちは|お願いします|お願い|どうか|私のために"
)
# The start of the prompt, of a line or of a sentence; then bullets, quotes and numbering; then courtesies.
_OPENING = re.compile(
    r"(\A|\n|[.!?:;](?=\s)|[。！？：；।؟])[\s\"'“”«‘(*#>\-\[¿¡「【•]*(?:\d+[.)、]\s*)?"
    r"(?:(?:" + _BEFORE_WORDS + r")[\s,!.،、]+(?=\S)|(?:" + _BEFORE_CHARACTERS + r")[\s,!，、！。:：]*(?=\S))*",
    re.IGNORECASE,
)


def requests(prompt: str) -> str:
    """The prompt with every sentence on a line of its own that starts with its first word after the courtesies.

    >>> requests("Hello! Could you please draw a cat? Thanks.")
    '\\ndraw a cat?\\nThanks.'
    """
    return _OPENING.sub(r"\1\n", prompt)
