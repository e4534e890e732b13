#include "tools/serving_figure.h"

#include <fmt/format.h>

#include "base/check.h"

namespace planewise::tools {
namespace {

using V = spec::ours::ServingValue;

bool is_of_prefill(V value) {
  return value == V::ttft || value == V::prompt_tokens_per_s_per_gpu ||
         value == V::prompt_tokens_per_s_per_node;
}

}  // namespace

const report::DecodePoint* point_of(const report::ServingReport& run,
                                    const spec::ours::Serving& what) {
  if (!run.has_decode()) return nullptr;
  if (what.sequences == 0) return &run.best();
  for (const report::DecodePoint& point : run.points) {
    if (point.sequences == what.sequences) return &point;
  }
  return nullptr;
}

ServingRefusal serving_refusal(const report::ServingReport& run, const spec::ours::Serving& what) {
  if (is_of_prefill(what.value)) {
    if (run.prefill) return {};
    return {".value", fmt::format("{} has no prefill unit", what.workload_path)};
  }
  const report::DecodePoint* point = point_of(run, what);
  if (point == nullptr) {
    return run.has_decode()
               ? ServingRefusal{".sequences", fmt::format("{} does not decode {} sequences",
                                                          what.workload_path, what.sequences)}
               : ServingRefusal{".value", fmt::format("{} has no decode unit", what.workload_path)};
  }
  if (what.value == V::mtp_gain && !point->draft_gain()) {
    return {".value", fmt::format("{} makes no drafts", what.workload_path)};
  }
  return {};
}

double serving_value(const report::ServingReport& run, const spec::ours::Serving& what) {
  PW_CHECK(serving_refusal(run, what).reason.empty());
  const report::DecodePoint* point = point_of(run, what);
  switch (what.value) {
    case V::tpot:
      return point->tpot.base();
    case V::tokens_per_s_per_user:
      return point->tokens_per_s_per_user;
    case V::tokens_per_s_per_gpu:
      return point->tokens_per_s_per_gpu;
    case V::tokens_per_s_per_node:
      return point->tokens_per_s_per_node;
    case V::exchange:
      return point->exchange_a_layer.base();
    case V::tokens_per_iteration:
      return point->tokens_per_iteration;
    case V::mtp_gain:
      return *point->draft_gain();
    case V::ttft:
      return run.ttft->base();
    case V::prompt_tokens_per_s_per_gpu:
      return run.prefill->tokens_per_s_per_gpu;
    case V::prompt_tokens_per_s_per_node:
      return run.prefill->tokens_per_s_per_node;
  }
  PW_UNREACHABLE("ServingValue has ten values");
}

}  // namespace planewise::tools
