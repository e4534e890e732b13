// The four published models as specs built in code, for tests that must not depend on the YAML
// reader.
#pragma once

#include "spec/model.h"

namespace planewise::test {

/// The latent attention that DeepSeek-V2 and V3 share.
inline spec::AttentionSpec deepseek_attention() {
  spec::AttentionSpec attention;
  attention.kind = spec::AttentionKind::mla;
  attention.heads = 128;
  attention.q_lora_rank = 1536;
  attention.kv_lora_rank = 512;
  attention.qk_nope_head_dim = 128;
  attention.qk_rope_head_dim = 64;
  attention.v_head_dim = 128;
  return attention;
}

/// arXiv 2412.19437v2, section 4.2; config_671B.json of github deepseek-ai/DeepSeek-V3.
inline spec::ModelSpec deepseek_v3() {
  spec::MoeSpec moe;
  moe.first_dense_layers = 3;
  moe.routed_experts = 256;
  moe.shared_experts = 1;
  moe.experts_per_token = 8;
  moe.expert_intermediate = 2048;
  moe.groups = 8;
  moe.groups_per_token = 4;

  spec::ModelSpec model;
  model.name = "DeepSeek-V3";
  model.layers = 61;
  model.hidden = 7168;
  model.intermediate = 18432;
  model.vocabulary = 129280;
  model.mtp_depth = 1;
  model.attention = deepseek_attention();
  model.moe = moe;
  return model;
}

/// config_236B.json of github deepseek-ai/DeepSeek-V3.
inline spec::ModelSpec deepseek_v2() {
  spec::MoeSpec moe;
  moe.first_dense_layers = 1;
  moe.routed_experts = 160;
  moe.shared_experts = 2;
  moe.experts_per_token = 6;
  moe.expert_intermediate = 1536;
  moe.groups = 8;
  moe.groups_per_token = 3;

  spec::ModelSpec model;
  model.name = "DeepSeek-V2";
  model.layers = 60;
  model.hidden = 5120;
  model.intermediate = 12288;
  model.vocabulary = 102400;
  model.attention = deepseek_attention();
  model.moe = moe;
  return model;
}

/// config.json of Qwen/Qwen2.5-72B, as listed in github ai-dynamo/aiconfigurator.
inline spec::ModelSpec qwen25_72b() {
  spec::ModelSpec model;
  model.name = "Qwen2.5-72B";
  model.layers = 80;
  model.hidden = 8192;
  model.intermediate = 29568;
  model.vocabulary = 152064;
  model.attention.kind = spec::AttentionKind::gqa;
  model.attention.heads = 64;
  model.attention.kv_heads = 8;
  model.attention.head_dim = 128;
  model.attention.qkv_bias = true;
  return model;
}

/// config.json of meta-llama/Meta-Llama-3.1-405B, as listed in github ai-dynamo/aiconfigurator.
inline spec::ModelSpec llama31_405b() {
  spec::ModelSpec model;
  model.name = "LLaMA-3.1-405B";
  model.layers = 126;
  model.hidden = 16384;
  model.intermediate = 53248;
  model.vocabulary = 128256;
  model.attention.kind = spec::AttentionKind::gqa;
  model.attention.heads = 128;
  model.attention.kv_heads = 8;
  model.attention.head_dim = 128;
  return model;
}

}  // namespace planewise::test
