// Bundled inference workloads, and small ones made in code.
#pragma once

#include <string>

#include "spec/read.h"
#include "workload/make_job.h"
#include "workload/serving_program.h"

namespace planewise::test {

struct LoadedServing {
  spec::InferenceSpec spec{};
  spec::ModelSpec model{};
  spec::ProfileSpec profile{};
  spec::TopologySpec topology{};

  workload::ServingInput input() const {
    return {.spec = spec, .model = model, .profile = profile, .topology = topology};
  }
};

inline LoadedServing load_serving(const std::string& workload, const std::string& topology) {
  spec::Diagnostics diagnostics;
  LoadedServing loaded;
  loaded.spec = spec::read_inference(root_path(workload), diagnostics);
  loaded.model = spec::read_model(loaded.spec.model_path, diagnostics);
  loaded.profile = spec::read_profile(loaded.spec.profile_path, diagnostics);
  loaded.topology = spec::read_topology(root_path(topology), diagnostics);
  diagnostics.throw_if_any();
  return loaded;
}

/// The bundled decode of DeepSeek-V3 over 144 H800, with balanced tokens.
inline LoadedServing ep144() {
  LoadedServing loaded =
      load_serving("workloads/deepseek_v3_decode_ep144_h800.yaml", "topologies/mpft_2048.yaml");
  loaded.spec.routing.tokens = spec::TokenRouting::balanced;
  return loaded;
}

/// A profile in which every operator takes nothing, and exchanges only their bytes.
inline void make_operators_free(spec::ProfileSpec& profile) {
  profile.gpu.kernel_gap = Seconds{};
  for (spec::OperatorCurve& curve : profile.operators) {
    curve = {.id = curve.id,
             .form = spec::OperatorForm::roofline,
             .sms = curve.sms,
             .beside = curve.beside,
             .flop_rate = teraflops(1e9),
             .memory_rate = gigabytes_per_second(1e9)};
  }
}

}  // namespace planewise::test
