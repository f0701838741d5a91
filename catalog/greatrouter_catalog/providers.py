"""One slug per provider. Feeds spell a provider differently; the catalog uses models.dev's slug where it has one."""

# LiteLLM's and genai-prices' spellings that a plain '_' -> '-' does not turn into the catalog's slug (read 2026-08-06).
ALIASES = {
    "amazon_nova": "amazon-nova",
    "aws": "amazon-bedrock",
    "bedrock": "amazon-bedrock",
    "bedrock_converse": "amazon-bedrock",
    "bedrock_mantle": "amazon-bedrock",
    "chatgpt": "chatgpt-subscription",
    "cloudflare": "cloudflare-workers-ai",
    "codestral": "mistral",
    "cohere_chat": "cohere",
    "dashscope": "alibaba",
    "fal_ai": "fal",
    "fireworks": "fireworks-ai",
    "friendliai": "friendli",
    "gemini": "google",
    "gmi": "gmicloud",
    "meta_llama": "llama",
    "moonshot": "moonshotai",
    "novita": "novita-ai",
    "nvidia_nim": "nvidia",
    "ollama": "ollama",
    "palm": "google",
    "snowflake": "snowflake-cortex",
    "text-completion-codestral": "mistral",
    "text-completion-openai": "openai",
    "azure_text": "azure",
    "together": "togetherai",
    "together_ai": "togetherai",
    "vercel_ai_gateway": "vercel",
    "voyageai": "voyage",
    "x-ai": "xai",
    "zhipuai": "zhipuai",
}

# Paid by subscription or by seat, or served from one's own machine: a zero there says nothing of a call's cost.
UNPRICED = frozenset(
    {
        "chatgpt-subscription",
        "github-copilot",
        "github-models",
        "lmstudio",
        "ollama",
        "lemonade",
        "llama",
        "nvidia",
        "gitlab",
    }
)

# Providers that serve the models of their own creator; the creator's slug is the same unless named here.
FIRST_PARTY = {
    "alibaba": "qwen",
    "google-vertex": "google",
    "stability": "stability",
    "black-forest-labs": "black-forest-labs",
    "azure": "openai",
}


def slug(name: str) -> str:
    """The catalog's slug of a provider as any feed spells it.

    >>> slug("vertex_ai-language-models"), slug("together_ai"), slug("OpenAI")
    ('google-vertex', 'togetherai', 'openai')
    """
    name = name.strip().lower()
    if name.startswith("vertex_ai"):
        return "google-vertex"
    if name.startswith("fireworks_ai"):
        return "fireworks-ai"
    return ALIASES.get(name, name.replace("_", "-").replace(" ", "-"))


def is_subscription(provider: str) -> bool:
    return provider in UNPRICED or provider.endswith(("-coding-plan", "-coding-plan-cn")) or "-token-plan" in provider
