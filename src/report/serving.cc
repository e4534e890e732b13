#include "report/serving.h"

#include <algorithm>

#include "base/check.h"

namespace planewise::report {
namespace {

/// Of a GPU that makes so many tokens a second.
std::optional<Usd> usd_per_million(const std::optional<Usd>& gpu_hour, double tokens_per_s) {
  if (!gpu_hour) return std::nullopt;
  return *gpu_hour * (1e6 / tokens_per_s / hours(1).in(seconds(1)));
}

}  // namespace

Bounds bounds_of(const IterationTimes& times) {
  Bounds bounds;
  for (std::size_t i = 0; i < times.with_twice.size(); ++i) {
    bounds.saved[i] = 1 - times.with_twice[i].in(times.as_is);
    if (bounds.saved[i] > bounds.saved[static_cast<std::size_t>(bounds.by)]) {
      bounds.by = static_cast<workload::Resource>(i);
    }
  }
  return bounds;
}

DecodePoint make_point(const DecodeRates& rates, std::int64_t sequences, Seconds iteration) {
  const spec::DecodeSpec& decode = *rates.spec.decode;
  DecodePoint point{.sequences = sequences,
                    .iteration = iteration,
                    .tokens_per_iteration = spec::tokens_per_iteration(decode)};
  point.tpot = iteration / point.tokens_per_iteration;
  point.tokens_per_s_per_user = seconds(1).in(point.tpot);
  point.tokens_per_s_per_gpu =
      point.tokens_per_s_per_user * static_cast<double>(sequences) / decode.unit.parallel.tensor;
  point.tokens_per_s_per_node = point.tokens_per_s_per_gpu * rates.gpus_per_node;
  point.usd_per_million_tokens = usd_per_million(rates.gpu_hour, point.tokens_per_s_per_gpu);
  return point;
}

PrefillReport make_prefill(const DecodeRates& rates, Seconds iteration) {
  const spec::PrefillSpec& prefill = *rates.spec.prefill;
  const double computed = static_cast<double>(prefill.tokens);
  const double prompt_tokens = computed / (1 - rates.spec.prefix_hit_rate);
  PrefillReport report{.iteration = iteration,
                       .prompts = prompt_tokens / spec::mean_request(rates.spec.requests).prompt};
  report.tokens_per_s_per_gpu =
      prompt_tokens / iteration.in(seconds(1)) / prefill.unit.parallel.tensor;
  report.tokens_per_s_per_node = report.tokens_per_s_per_gpu * rates.gpus_per_node;
  report.usd_per_million_tokens = usd_per_million(rates.gpu_hour, report.tokens_per_s_per_gpu);
  return report;
}

OperatingPoint operating_point(const std::vector<DecodePoint>& points,
                               const std::optional<Seconds>& limit) {
  PW_CHECK(!points.empty());
  OperatingPoint best{.meets_limit = false};
  for (std::size_t i = 0; i < points.size(); ++i) {
    const bool within = !limit || points[i].tpot <= *limit;
    const DecodePoint& held = points[best.index];
    if (within &&
        (!best.meets_limit || points[i].tokens_per_s_per_gpu > held.tokens_per_s_per_gpu)) {
      best = {.index = i, .meets_limit = true};
    } else if (!best.meets_limit && points[i].tpot < held.tpot) {
      best.index = i;
    }
  }
  return best;
}

void complete_serving(const DecodeRates& rates, ServingReport& report) {
  if (report.prefill) {
    report.ttft = report.prefill->iteration + (report.transfer ? report.transfer->time : Seconds{});
  }
  if (!report.has_decode()) return;
  const auto [index, meets_limit] = operating_point(report.points, report.tpot_limit);
  report.operating = index;
  report.meets_limit = meets_limit;
  const DecodePoint& best = report.best();
  report.usd_per_million_tokens = best.usd_per_million_tokens;
  if (!report.prefill) return;
  const spec::MeanRequest mean = spec::mean_request(rates.spec.requests);
  const double prompts_per_token = mean.prompt / mean.output;  // prompt tokens an output token
  const double prefill_rate = report.prefill->tokens_per_s_per_gpu;
  const double per_decode_gpu = best.tokens_per_s_per_gpu * prompts_per_token / prefill_rate;
  if (rates.spec.shares_gpus) {
    report.tokens_per_s_per_gpu_shared = best.tokens_per_s_per_gpu / (1 + per_decode_gpu);
  } else {
    report.prefill_per_decode_gpu = per_decode_gpu;
  }
  if (best.usd_per_million_tokens) {
    report.usd_per_million_tokens = *best.usd_per_million_tokens * (1 + per_decode_gpu);
  }
}

}  // namespace planewise::report
