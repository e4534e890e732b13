// Small jobs and profiles made in code, and the bundled ones read from their files.
#pragma once

#include <string>

#include "spec/read.h"
#include "workload/training.h"

namespace planewise::test {

inline std::string root_path(const std::string& path) {
  return std::string(PLANEWISE_ROOT) + "/" + path;
}

/// The bundled DeepSeek-V3 job with its model and profile.
struct Loaded {
  spec::JobSpec job{};
  spec::ModelSpec model{};
  spec::ProfileSpec profile{};
};

inline Loaded load_bundled(const std::string& workload) {
  spec::Diagnostics diagnostics;
  Loaded loaded;
  loaded.job = spec::read_job(root_path(workload), diagnostics);
  loaded.model = spec::read_model(loaded.job.model_path, diagnostics);
  loaded.profile = spec::read_profile(loaded.job.profile_path, diagnostics);
  diagnostics.throw_if_any();
  return loaded;
}

/// A profile in which every operator of `job` takes its work at round rates and every transfer its
/// bytes.
inline spec::ProfileSpec round_profile(const spec::JobSpec& job, const spec::ModelSpec& model) {
  spec::ProfileSpec profile;
  profile.name = "round";
  profile.gpu = {.name = "test", .sms = 100, .bf16_peak = teraflops(1000)};
  const workload::ProfileNeeds needs = workload::training_needs(job, model);
  for (const std::string& id : needs.operators) {
    const bool is_gemm = id.find("gemm") != std::string::npos;
    const bool is_flop = id.starts_with("attention") || id.starts_with("wgrad");
    profile.operators.push_back({.id = id,
                                 .form = is_gemm   ? spec::OperatorForm::gemm
                                         : is_flop ? spec::OperatorForm::flop_rate
                                                   : spec::OperatorForm::byte_rate,
                                 .sms = 100,
                                 .evidence = spec::Evidence::measured,
                                 .flop_rate = teraflops(500),
                                 .memory_rate = gigabytes_per_second(2000),
                                 .model_evidence = spec::Evidence::measured});
  }
  for (const std::string& id : needs.collectives) {
    profile.collectives.push_back(
        {.id = id, .latency = microseconds(2), .evidence = spec::Evidence::measured});
  }
  return profile;
}

/// A small MLA/MoE model of `layers` MoE layers: 8 experts, top-2, no MTP.
inline spec::ModelSpec small_model(int layers) {
  spec::ModelSpec model;
  model.name = "small";
  model.layers = layers;
  model.hidden = 512;
  model.intermediate = 1024;
  model.vocabulary = 1000;
  model.attention = {.kind = spec::AttentionKind::mla,
                     .heads = 4,
                     .q_lora_rank = 128,
                     .kv_lora_rank = 64,
                     .qk_nope_head_dim = 32,
                     .qk_rope_head_dim = 16,
                     .v_head_dim = 32};
  model.moe = spec::MoeSpec{.first_dense_layers = 0,
                            .routed_experts = 8,
                            .shared_experts = 1,
                            .experts_per_token = 2,
                            .expert_intermediate = 256,
                            .groups = 4,
                            .groups_per_token = 2};
  return model;
}

struct SmallJob {
  int pipeline = 2;
  int data = 8;
  int expert = 8;
  int layers_per_stage = 2;
  int micro_batches = 4;
};

inline spec::JobSpec small_job(const SmallJob& small) {
  spec::JobSpec job;
  job.name = "small";
  job.batch = {
      .sequence_length = 256, .sequences_per_micro_batch = 1, .micro_batches = small.micro_batches};
  job.parallel.pipeline = small.pipeline;
  job.parallel.data = small.data;
  job.parallel.expert = small.expert;
  job.parallel.layers_per_stage.assign(static_cast<std::size_t>(small.pipeline),
                                       small.layers_per_stage);
  job.routing.nodes_per_token = 2;
  return job;
}

}  // namespace planewise::test
