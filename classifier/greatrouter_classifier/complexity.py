"""How hard a prompt is, from the words and the form of the question alone.

The score is a logistic curve over a few cues; their weights were fitted once by `greatrouter classifier train` on
hand-labelled prompts (numbers only, see `data/complexity.json`). Only the focus of the prompt is read, so that system
text, pasted documents and tool schemas do not make an easy question look hard.
"""

import math
import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from operator import mul

import re2

from greatrouter_classifier.classification import Complexity, ComplexityTier

# What each cue looks like, in the languages the rules cover. Matched all at once, in linear time.
CUES: Mapping[str, str] = {
    "proof": r"\bprov(e|ing)\b|\bproof\b|\bderiv(e|ation)|theorem|lemma|rigorous|formal(ly)? (verif|prov)|counterexample|induction\b|"
    r"证明|推导|証明|증명|докажи|доказ|demuestr|démontr|beweis|demonstr|dimostra|सिद्ध|أثبت",
    "reasoning": r"step[- ]by[- ]step|reason(ing)? (through|about)|think (carefully|through)|chain of thought|logic puzzle|paradox|"
    r"game[- ]theor|bayes|一步一步|逐步|推理|ステップ|단계별|пошагов|paso a paso|étape par étape|schritt für schritt|passo a passo",
    "analysis": r"\banaly[sz]|\bcompar(e|ison)|\bevaluat|trade-?offs?|implications?|critiqu|\bassess|pros and cons|\bstrateg|root cause|"
    r"分析|比较|评估|比較|評価|분석|비교|проанализ|сравни|analiza|compara|analyse[rz]?|vergleich|confronta|विश्लेषण|तुलना|حلل|قارن",
    "design": r"\bdesign(ing)?\b|architect|scalab|distributed|fault[- ]toler|micro-?services?|end-to-end|migration|roadmap|framework for|"
    r"设计|架构|設計|설계|спроектир|diseñ|conce(voir|ption)|entwirf|entwerfen|projet(e|ar)\b|progetta|डिज़ाइन|صمم",
    "mathematics": r"integral|probabilit|equation|matrix|eigen|polynomial|derivative|optimi[sz]|converge|complexity of|big-?o\b|"
    r"\d\s*[-+*/^=×÷]\s*\d|积分|概率|方程|積分|確率|확률|интеграл|вероятност|ecuaci|équation|gleichung|equaç|equazion|समीकरण|معادلة",
    "engineering": r"implement|refactor|debug|algorithm|concurren|thread-safe|race condition|deadlock|production[- ]ready|"
    r"transaction|\bcache|parser|compiler|kubernetes|实现|算法|実装|구현|реализ|implementa|implémente|implementier|اكتب برنامج",
    "constraints": r"\bmust\b|at least|at most|no more than|without using|constraints?|requirements?|ensure that|handle (all|the|edge)|"
    r"必须|至少|要求|必ず|반드시|должен|debe\b|doit\b|muss\b|deve\b|चाहिए|يجب",
    "breadth": r"comprehensive|in[- ]depth|detailed|thorough|explain (how|why)|multi-?(step|part|agent|region|tenant)|"
    r"详细|全面|詳しく|자세히|подробн|detallad|détaillé|ausführlich|detalhad|dettagliat|विस्तार|بالتفصيل",
    "lookup": r"^(what|who|when|where|which)('s| is| was| are| were| did)\b|^(define|translate|spell|convert|list)\b|capital of|synonym|"
    r"^(hi|hello|hey|thanks|thank you|good (morning|night))\b|是什么|是谁|とは|이란|^что такое|^кто такой|^qué es|^quién|^qu'est-ce|"
    r"^was ist|^wer ist|^o que é|^cos'è|क्या है|ما هو|من هو",
}
TIERS = tuple(ComplexityTier)
FORM = ("length", "sentences", "items", "numbers", "code")
FEATURES = (*CUES, *FORM)
ITEM = re.compile(r"(?m)^\s*(?:[-*•]|\(?\d{1,2}[.)])\s")
SENTENCE_END = re.compile(r"[.!?。！？;]+(?:\s|$)|\n+")
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
CODE = re.compile(r"```|[{};]\s*\n|\bdef \w+\(|=>|==|::|</\w+>|\bSELECT\b")
LOGIT_BOUND = 12.0


class ComplexityModel:
    """`weights` by feature name, with `bias`; `cuts` are the three scores at which the tier changes, ascending."""

    def __init__(self, weights: Mapping[str, float], bias: float, cuts: Sequence[float]) -> None:
        self._weights = tuple(weights[name] for name in FEATURES)
        self._bias = bias
        self._cuts = tuple(cuts)
        self._cues = cue_set()

    def assess(self, focus: str) -> Complexity:
        """The complexity of a focus text (see `focus.focus`)."""
        values = features(focus, self._cues)
        logit = self._bias + sum(map(mul, self._weights, values))
        score = 1.0 / (1.0 + math.exp(-max(-LOGIT_BOUND, min(LOGIT_BOUND, logit))))
        return Complexity(round(score, 4), self.tier(score))

    def tier(self, score: float) -> ComplexityTier:
        return TIERS[bisect_right(self._cuts, score)]


def cue_set() -> "re2.Set":
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    cues = re2.Set.SearchSet(options)
    for pattern in CUES.values():
        cues.Add(pattern)
    cues.Compile()
    return cues


def features(focus: str, cues: "re2.Set") -> tuple[float, ...]:
    """One value for each of `FEATURES`: a cue is 0 or 1; counts and lengths are logarithms."""
    encoded = focus.encode("utf-8", "replace")
    cued = [0.0] * len(CUES)
    for cue in cues.Match(encoded) or ():
        cued[cue] = 1.0
    return (
        *cued,
        math.log1p(len(encoded) / 20),
        math.log1p(len(SENTENCE_END.findall(focus))),
        math.log1p(len(ITEM.findall(focus))),
        math.log1p(len(NUMBER.findall(focus))),
        float(CODE.search(focus) is not None),
    )
