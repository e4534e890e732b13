// Hugging Face configurations against the shipped model files, and what is refused, at its place.
#include "spec/hugging_face.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <tuple>
#include <vector>

#include "spec/read.h"

namespace planewise::spec {
namespace {

const std::string kRoot = PLANEWISE_ROOT;

std::string configuration(const std::string& name) {
  std::ifstream in(kRoot + "/tests/spec/configs/" + name + ".json", std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

HuggingFaceModel converted(const std::string& text, const HuggingFaceOptions& options = {},
                           const std::string& path = "folder/config.json") {
  Diagnostics diagnostics;
  HuggingFaceModel read =
      read_hugging_face(parse_document(path, text, diagnostics), options, diagnostics);
  for (const Diagnostic& mistake : diagnostics.list()) ADD_FAILURE() << render(mistake);
  return read;
}

/// `text` with `old_part`, which is in it once, changed.
std::string changed(std::string text, const std::string& old_part, const std::string& new_part) {
  const std::size_t at = text.find(old_part);
  EXPECT_NE(at, std::string::npos) << old_part;
  EXPECT_EQ(text.find(old_part, at + 1), std::string::npos) << old_part;
  return at == std::string::npos ? text : text.replace(at, old_part.size(), new_part);
}

/// All that a model file says but names and sources.
auto shape_of(const ModelSpec& m) {
  const AttentionSpec& a = m.attention;
  const MoeSpec moe = m.moe.value_or(MoeSpec{});
  return std::make_tuple(
      m.layers, m.hidden, m.intermediate, m.feed_forward, m.vocabulary, m.tied_embedding,
      m.mtp_depth, m.moe.has_value(),
      std::make_tuple(a.kind, a.heads, a.kv_heads, a.head_dim, a.qkv_bias, a.qk_norm, a.q_lora_rank,
                      a.kv_lora_rank, a.qk_nope_head_dim, a.qk_rope_head_dim, a.v_head_dim),
      std::make_tuple(moe.first_dense_layers, moe.routed_experts, moe.shared_experts,
                      moe.experts_per_token, moe.expert_intermediate, moe.groups,
                      moe.groups_per_token));
}

ModelSpec read_back(const std::string& yaml) {
  Diagnostics diagnostics;
  ModelSpec model = read_model(parse_document("x.yaml", yaml, diagnostics), diagnostics);
  for (const Diagnostic& mistake : diagnostics.list()) ADD_FAILURE() << render(mistake);
  return model;
}

class Shipped : public testing::TestWithParam<std::string> {};

TEST_P(Shipped, SaysWhatItsConfigurationSays) {
  Diagnostics diagnostics;
  const ModelSpec shipped = read_model(kRoot + "/models/" + GetParam() + ".yaml", diagnostics);
  diagnostics.throw_if_any();
  const HuggingFaceModel read = converted(configuration(GetParam()));
  EXPECT_TRUE(shape_of(read.model) == shape_of(shipped)) << read.yaml;
  EXPECT_TRUE(read.ignored.empty());
}

INSTANTIATE_TEST_SUITE_P(HuggingFace, Shipped,
                         testing::Values("deepseek_v3", "kimi_k2", "qwen3_235b_a22b", "qwen2.5_72b",
                                         "llama3.1_405b", "mixtral_8x7b", "mixtral_8x22b"));

class Written : public testing::TestWithParam<std::string> {};

TEST_P(Written, ReadsBackAsTheSameModel) {
  const HuggingFaceModel read = converted(configuration(GetParam()));
  const ModelSpec again = read_back(read.yaml);
  EXPECT_TRUE(shape_of(again) == shape_of(read.model)) << read.yaml;
  EXPECT_EQ(again.name, read.model.name);
  EXPECT_EQ(again.source, read.model.source);
  EXPECT_EQ(again.attention.source, read.model.attention.source);
}

INSTANTIATE_TEST_SUITE_P(HuggingFace, Written,
                         testing::Values("deepseek_v3", "kimi_k2", "deepseek_v2_lite",
                                         "qwen3_235b_a22b", "qwen3_8b", "qwen2.5_72b",
                                         "llama3.1_405b", "mistral_7b", "mixtral_8x7b"));

TEST(HuggingFace, QueriesThatAreNotCompressed) {
  const ModelSpec model = converted(configuration("deepseek_v2_lite")).model;
  EXPECT_EQ(model.attention.kind, AttentionKind::mla);
  EXPECT_EQ(model.attention.q_lora_rank, 0);
  EXPECT_EQ(model.moe->groups, 1);
  EXPECT_EQ(model.mtp_depth, 0);
}

TEST(HuggingFace, NullStandsForNone) {
  std::string text = configuration("deepseek_v2_lite");
  text = changed(text, "\"n_group\": 1", "\"n_group\": null");
  text = changed(text, "\"topk_group\": 1", "\"topk_group\": null");
  text = changed(text, "\"n_shared_experts\": 2", "\"n_shared_experts\": null");
  const ModelSpec model = converted(text).model;
  EXPECT_EQ(model.moe->groups, 1);
  EXPECT_EQ(model.moe->groups_per_token, 1);
  EXPECT_EQ(model.moe->shared_experts, 0);
}

TEST(HuggingFace, NormsAndBiasesComeFromTheArchitecture) {
  EXPECT_TRUE(converted(configuration("qwen3_8b")).model.attention.qk_norm);
  EXPECT_FALSE(converted(configuration("qwen3_8b")).model.attention.qkv_bias);
  EXPECT_TRUE(converted(configuration("qwen2.5_72b")).model.attention.qkv_bias);
  EXPECT_FALSE(converted(configuration("mistral_7b")).model.attention.qkv_bias);
}

/// A small Llama with `keys` in front.
std::string llama(const std::string& keys) {
  return "{" + keys +
         R"("architectures": ["LlamaForCausalLM"], "num_hidden_layers": 2, "hidden_size": 64,
"intermediate_size": 128, "vocab_size": 1000, "num_attention_heads": 8})";
}

TEST(HuggingFace, HeadsThatAreNotSaidFollowFromTheOthers) {
  const ModelSpec model = converted(llama("")).model;
  EXPECT_EQ(model.attention.kind, AttentionKind::mha);
  EXPECT_EQ(model.attention.kv_heads, 8);
  EXPECT_EQ(model.attention.head_dim, 8);
  EXPECT_EQ(converted(llama("\"head_dim\": 16, ")).model.attention.head_dim, 16);
  EXPECT_EQ(converted(llama("\"num_key_value_heads\": 2, ")).model.attention.kind,
            AttentionKind::gqa);
}

TEST(HuggingFace, TheTypeWillDoWithoutArchitectures) {
  const std::string text = R"({"model_type": "llama", "num_hidden_layers": 2, "hidden_size": 64,
"intermediate_size": 128, "vocab_size": 1000, "num_attention_heads": 8})";
  EXPECT_EQ(converted(text).model.layers, 2);
}

TEST(HuggingFace, TheNameIsThatOfTheRepositoryOrTheFolder) {
  const std::string said = llama("\"_name_or_path\": \"meta-llama/Llama-0.1-1M\", ");
  const HuggingFaceModel read = converted(said);
  EXPECT_EQ(read.model.name, "Llama-0.1-1M");
  EXPECT_TRUE(read.model.source.starts_with("config.json of meta-llama/Llama-0.1-1M, sha256 "));
  EXPECT_EQ(read.model.origin.sha256.size(), 64);
  EXPECT_TRUE(read.model.source.ends_with(read.model.origin.sha256));
  EXPECT_EQ(converted(said, {.name = "mine: \"a\\b\""}).model.name, "mine: \"a\\b\"");
  EXPECT_EQ(converted(llama("")).model.name, "folder");
  EXPECT_EQ(converted(llama(""), {}, "config.json").model.name, "model");
  EXPECT_EQ(converted(llama(""), {}, "a/tiny.json").model.name, "tiny");
  EXPECT_EQ(converted(llama("\"_name_or_path\": \"\", ")).model.name, "folder");
}

TEST(HuggingFace, UnknownKeysAreNamed) {
  const HuggingFaceModel read = converted(
      llama("\"logit_scale\": 0.5, \"rope_theta\": 1e6, \"other\\nkey\": 1, \"empty\": null, "));
  EXPECT_EQ(read.ignored, (std::vector<std::string>{"logit_scale", "other\\nkey"}));
  EXPECT_NE(read.yaml.find("# Not looked at: logit_scale, other\\nkey\n"), std::string::npos);
}

TEST(HuggingFace, ValuesThatChangeNothingPass) {
  converted(llama("\"sliding_window\": null, \"attention_bias\": false, "));
  converted(llama("\"layer_types\": [\"full_attention\", \"full_attention\"], "));
  converted(llama("\"n_routed_experts\": null, \"num_nextn_predict_layers\": 0, "));
}

struct Refusal {
  std::string name{};
  std::string text{};
  std::string expected{};  ///< `line:column: key: message`, of the first mistake.
};

class Refused : public testing::TestWithParam<Refusal> {};

TEST_P(Refused, AtItsPlace) {
  Diagnostics diagnostics;
  read_hugging_face(parse_document("c.json", GetParam().text, diagnostics), {}, diagnostics);
  ASSERT_EQ(diagnostics.list().size(), 1U);
  const Diagnostic& mistake = diagnostics.list().front();
  EXPECT_EQ(fmt::format("{}:{}: {}: {}", mistake.at.line, mistake.at.column, mistake.key,
                        mistake.message),
            GetParam().expected);
}

std::vector<Refusal> refusals() {
  const std::string v3 = configuration("deepseek_v3");
  const std::string lite = configuration("deepseek_v2_lite");
  const std::string qwen = configuration("qwen3_235b_a22b");
  const std::string mixtral = configuration("mixtral_8x7b");
  const std::string window = "attention over a window is not modelled";
  const std::string some_layers = "experts in some layers only are not modelled";
  return {
      {"architecture", changed(v3, "DeepseekV3For", "DeepseekV4For"),
       "3:5: architectures: 'DeepseekV4ForCausalLM' is not converted"},
      {"type", changed(v3, "\"deepseek_v3\"", "\"glm\""),
       "5:17: model_type: 'glm' is not known as a DeepseekV3ForCausalLM"},
      {"type_alone", R"({"model_type": "gpt2"})", "1:16: model_type: 'gpt2' is not converted"},
      {"two_architectures", R"({"architectures": ["LlamaForCausalLM", "MistralForCausalLM"]})",
       "1:19: architectures: one architecture is wanted here"},
      {"nothing_said", R"({"hidden_size": 64})",
       "1:1: : neither architectures nor model_type says what this is"},
      {"a_list", "[1, 2]", "1:1: : the file is a list, not a map of keys and values"},
      {"layer_frequency", changed(v3, "\"moe_layer_freq\": 1", "\"moe_layer_freq\": 2"),
       "16:21: moe_layer_freq: " + some_layers},
      {"layer_frequencies", changed(v3, "\"moe_layer_freq\": 1", "\"moe_layer_freq\": [0, 1]"),
       "16:21: moe_layer_freq: " + some_layers},
      {"choice", changed(v3, "noaux_tc", "hash"),
       "46:18: topk_method: an unknown way to choose experts"},
      {"groups_under_greedy", changed(lite, "\"n_group\": 1", "\"n_group\": 8"),
       "14:14: n_group: topk_method 'greedy' chooses among all experts, without groups"},
      {"sparse_step", changed(qwen, "\"decoder_sparse_step\": 1", "\"decoder_sparse_step\": 2"),
       "7:26: decoder_sparse_step: " + some_layers},
      {"dense_layers", changed(qwen, "[]", "[0, 1]"),
       "14:22: mlp_only_layers: dense layers between those with experts are not modelled"},
      {"window_in_use",
       changed(qwen, "\"use_sliding_window\": false", "\"use_sliding_window\": true"),
       "27:25: use_sliding_window: " + window},
      {"window", changed(mixtral, "\"sliding_window\": null", "\"sliding_window\": 4096"),
       "15:21: sliding_window: " + window},
      {"shared_with_a_gate",
       changed(qwen, "\"head_dim\"", "\"shared_expert_intermediate_size\": 512, \"head_dim\""),
       "8:38: shared_expert_intermediate_size: a shared expert with a gate and a width of its own "
       "is not modelled"},
      {"activation", changed(mixtral, "silu", "gelu"),
       "6:17: hidden_act: only feed-forwards gated by silu are converted"},
      {"bias", llama("\"attention_bias\": true, "),
       "1:20: attention_bias: biases of all projections of the attention are not modelled"},
      {"experts_of_others", llama("\"n_routed_experts\": 8, "),
       "1:22: n_routed_experts: a LlamaForCausalLM has no such thing"},
      {"kinds_of_layers", llama("\"layer_types\": [\"full_attention\", \"sliding_attention\"], "),
       "1:17: layer_types: layers with another kind of attention are not modelled"},
      {"chosen_tokens", changed(v3, "\"hidden_act\"", "\"index_topk\": 2048, \"hidden_act\""),
       "11:17: index_topk: attention to chosen tokens only is not modelled"},
      {"window_by_default",
       changed(configuration("mistral_7b"), "  \"sliding_window\": null,\n", ""),
       "1:1: sliding_window: attention over a window, the default, is not modelled"},
      {"queries_not_said", changed(lite, "  \"q_lora_rank\": null,\n", ""),
       "1:1: q_lora_rank: missing key"},
      {"shared_not_said", changed(v3, "  \"n_shared_experts\": 1,\n", ""),
       "1:1: n_shared_experts: missing key"},
      {"groups_not_said", changed(v3, "  \"n_group\": 8,\n", ""), "1:1: n_group: missing key"},
      {"missing", changed(mixtral, "\"hidden_size\": 4096,", ""), "1:1: hidden_size: missing key"},
      {"empty", changed(mixtral, "\"hidden_size\": 4096,", "\"hidden_size\": null,"),
       "7:3: hidden_size: is empty, not a whole number"},
      {"text", changed(mixtral, "\"hidden_size\": 4096,", "\"hidden_size\": \"4096\","),
       "7:18: hidden_size: is a text in quotes, not a whole number"},
      {"too_small", changed(mixtral, "\"hidden_size\": 4096,", "\"hidden_size\": -4096,"),
       "7:18: hidden_size: -4096 is too small; the least is 1"},
      {"heads", changed(mixtral, "\"num_attention_heads\": 32", "\"num_attention_heads\": 31"),
       "7:18: hidden_size: 4096 does not divide over 31 heads, and there is no head_dim"},
      {"no_heads", changed(mixtral, "\"num_attention_heads\": 32", "\"num_attention_heads\": 0"),
       "9:26: num_attention_heads: 0 is too small; the least is 1"},
      {"key_value_heads",
       changed(mixtral, "\"num_key_value_heads\": 8", "\"num_key_value_heads\": 5"),
       "12:26: num_key_value_heads: 32 query heads do not divide over 5 key/value heads"},
      {"experts_per_token",
       changed(mixtral, "\"num_experts_per_tok\": 2", "\"num_experts_per_tok\": 9"),
       "10:26: num_experts_per_tok: 9 experts a token, but there are 8"},
      {"dense_only", changed(v3, "\"first_k_dense_replace\": 3", "\"first_k_dense_replace\": 61"),
       "10:28: first_k_dense_replace: 61 dense layers of 61 leave none for the experts"},
      {"name", llama("\"_name_or_path\": \"a\\u0007b\", "),
       "1:19: _name_or_path: 'a\\x07b' has a line break or another control character"},
      {"twice", llama("\"hidden_size\": 32, "),
       "1:84: hidden_size: duplicate key; the first is on line 1"},
  };
}

INSTANTIATE_TEST_SUITE_P(HuggingFace, Refused, testing::ValuesIn(refusals()),
                         [](const testing::TestParamInfo<Refusal>& refusal) {
                           return refusal.param.name;
                         });

TEST(HuggingFace, EveryMistakeIsFound) {
  Diagnostics diagnostics;
  read_hugging_face(kRoot + "/tests/spec/configs/llama3.1_8b_wrong.json", {}, diagnostics);
  std::vector<std::string> keys;
  for (const Diagnostic& mistake : diagnostics.list()) {
    keys.push_back(mistake.key);
    EXPECT_TRUE(!mistake.hint.empty() || mistake.message == "missing key") << mistake.message;
  }
  EXPECT_EQ(keys, (std::vector<std::string>{"attention_bias", "hidden_act", "n_routed_experts",
                                            "sliding_window", "num_hidden_layers", "vocab_size"}));
}

TEST(HuggingFace, ABrokenFileDoesNoHarm) {
  const std::string text = configuration("deepseek_v3");
  for (std::size_t i = 0; i < text.size(); i += 5) {
    Diagnostics diagnostics;
    read_hugging_face(parse_document("c.json", text.substr(0, i), diagnostics), {}, diagnostics);
    EXPECT_FALSE(diagnostics.empty()) << i;
    for (const char byte : {'\n', '-', '{', '"', '9', '\xff'}) {
      std::string other = text;
      other[i] = byte;
      Diagnostics mistakes;
      const HuggingFaceModel read =
          read_hugging_face(parse_document("c.json", other, mistakes), {}, mistakes);
      if (mistakes.empty()) read_back(read.yaml);
    }
  }
}

}  // namespace
}  // namespace planewise::spec
