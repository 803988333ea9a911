/*
 * One table, sorted by nothing: some fifty short entries that are compared once per resolved name,
 * and names are resolved once per distinct model, not per record.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "price/provider.h"

#include "base/attributes.h"

#define PROVIDER(spelling, name, rank, passes)                                                     \
    {                                                                                              \
        {spelling, sizeof(spelling) - 1}, {name, sizeof(name) - 1}, rank, passes                   \
    }
#define MAKER(spelling, name) PROVIDER(spelling, name, PROVIDER_MAKER, true)
#define CLOUD(spelling, name) PROVIDER(spelling, name, PROVIDER_CLOUD, true)
#define OTHER(spelling, name) PROVIDER(spelling, name, PROVIDER_OTHER, false)

static const struct provider providers[] = {
    MAKER("openai", "openai"),
    MAKER("text-completion-openai", "openai"),
    MAKER("anthropic", "anthropic"),
    MAKER("gemini", "gcp.gemini"),
    MAKER("gcp.gemini", "gcp.gemini"),
    MAKER("google_ai_studio", "gcp.gemini"),
    MAKER("palm", "gcp.gemini"),
    MAKER("google", "gcp.gen_ai"),
    MAKER("gcp.gen_ai", "gcp.gen_ai"),
    MAKER("deepseek", "deepseek"),
    MAKER("xai", "x_ai"),
    MAKER("x-ai", "x_ai"),
    MAKER("x_ai", "x_ai"),
    MAKER("mistral", "mistral_ai"),
    MAKER("mistralai", "mistral_ai"),
    MAKER("mistral_ai", "mistral_ai"),
    MAKER("codestral", "mistral_ai"),
    MAKER("text-completion-codestral", "mistral_ai"),
    MAKER("cohere", "cohere"),
    MAKER("cohere_chat", "cohere"),
    MAKER("perplexity", "perplexity"),
    MAKER("moonshot", "moonshot_ai"),
    MAKER("moonshotai", "moonshot_ai"),
    MAKER("moonshot_ai", "moonshot_ai"),
    MAKER("zai", "zai"),
    MAKER("z-ai", "zai"),
    MAKER("minimax", "minimax"),
    MAKER("dashscope", "dashscope"),
    MAKER("ai21", "ai21"),
    MAKER("voyage", "voyage"),
    MAKER("amazon_nova", "amazon_nova"),
    CLOUD("azure", "azure.ai.openai"),
    CLOUD("azure_text", "azure.ai.openai"),
    CLOUD("azure_openai", "azure.ai.openai"),
    CLOUD("azure.ai.openai", "azure.ai.openai"),
    CLOUD("az.ai.openai", "azure.ai.openai"),
    CLOUD("bedrock", "aws.bedrock"),
    CLOUD("bedrock_converse", "aws.bedrock"),
    CLOUD("bedrock_mantle", "aws.bedrock"),
    CLOUD("aws_bedrock", "aws.bedrock"),
    CLOUD("aws.bedrock", "aws.bedrock"),
    CLOUD("vertex", "gcp.vertex_ai"),
    CLOUD("vertexai", "gcp.vertex_ai"),
    CLOUD("vertex_ai", "gcp.vertex_ai"),
    CLOUD("gcp.vertex_ai", "gcp.vertex_ai"),
    PROVIDER("azure_ai", "azure.ai.inference", PROVIDER_CLOUD, false),
    PROVIDER("azure.ai.inference", "azure.ai.inference", PROVIDER_CLOUD, false),
    PROVIDER("az.ai.inference", "azure.ai.inference", PROVIDER_CLOUD, false),
    PROVIDER("watsonx", "ibm.watsonx.ai", PROVIDER_CLOUD, false),
    PROVIDER("ibm.watsonx.ai", "ibm.watsonx.ai", PROVIDER_CLOUD, false),
    PROVIDER("openrouter", "openrouter", PROVIDER_OTHER, true),
    PROVIDER("vercel_ai_gateway", "vercel_ai_gateway", PROVIDER_OTHER, true),
    PROVIDER("litellm_proxy", "litellm_proxy", PROVIDER_OTHER, true),
    OTHER("github_copilot", "github_copilot"),
    OTHER("groq", "groq"),
    OTHER("together", "together_ai"),
    OTHER("together_ai", "together_ai"),
    OTHER("fireworks", "fireworks_ai"),
    OTHER("fireworks_ai", "fireworks_ai"),
    OTHER("fireworks_ai-embedding-models", "fireworks_ai"),
    OTHER("deepinfra", "deepinfra"),
    OTHER("databricks", "databricks"),
    OTHER("cerebras", "cerebras"),
    OTHER("sambanova", "sambanova"),
    OTHER("novita", "novita"),
    OTHER("replicate", "replicate"),
    OTHER("ollama", "ollama"),
};

const struct provider *provider_find(struct str spelling)
{
    for (size_t i = 0; i < ARRAY_LENGTH(providers); i++) {
        if (str_equal_ascii_case(providers[i].spelling, spelling)) {
            return &providers[i];
        }
    }
    return NULL;
}

struct str provider_name(struct str spelling)
{
    const struct provider *found = provider_find(spelling);

    if (found) {
        return found->name;
    }
    /* LiteLLM names Vertex once per model family: vertex_ai-language-models, … */
    if (str_starts_with(spelling, STR("vertex_ai-"))) {
        return STR("gcp.vertex_ai");
    }
    return spelling;
}

enum provider_rank provider_rank_of(struct str name)
{
    const struct provider *found = provider_find(name);

    return found ? found->rank : PROVIDER_OTHER;
}

bool provider_matches(struct str asked, struct str row_name)
{
    if (str_equal_ascii_case(asked, row_name)) {
        return true;
    }
    return str_equal(asked, STR("gcp.gen_ai")) &&
           (str_equal(row_name, STR("gcp.gemini")) || str_equal(row_name, STR("gcp.vertex_ai")));
}
