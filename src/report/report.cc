#include "report/report.h"

#include <algorithm>

#include "base/check.h"
#include "report/json.h"
#include "report/tables.h"

namespace planewise::report {

std::vector<Ran> all_ran(const Report& report) {
  std::vector<Ran> all;
  for (const RunReport& run : report.runs) all.push_back({run.fabric, run.workload, run.result});
  for (const TrafficReport& run : report.traffic) {
    all.push_back({run.fabric, run.workload, run.result});
  }
  for (const ServingReport& run : report.serving) {
    all.push_back({run.fabric, run.workload, run.result});
  }
  return all;
}

RunReport make_run(const spec::JobSpec& job, const spec::ModelSpec& model,
                   const spec::ProfileSpec& profile, const std::string& fabric_name,
                   simulate::Result result) {
  RunReport run{.fabric = fabric_name,
                .workload = job.name,
                .model = model.name,
                .profile = profile.name,
                .result = std::move(result),
                .memory = job_memory(job, model, profile)};
  const auto tokens = static_cast<double>(job.batch.tokens_per_micro_batch() *
                                          job.batch.micro_batches * job.parallel.data);
  run.tokens_per_step = tokens;
  if (!run.result.is_complete()) return run;
  const double step = run.result.step_time.in(seconds(1));
  run.tokens_per_day = tokens / step * hours(24).in(seconds(1));
  const auto tflops = [&](bool causal) {
    const model::TrainingFlop flop = model::training_flop_per_token(
        model, {.sequence_length = job.batch.sequence_length, .causal = causal});
    const double gpus = static_cast<double>(job.parallel.ranks());
    return (flop.total() * (tokens / gpus) / run.result.step_time).in(teraflops(1));
  };
  const double peak = profile.gpu.bf16_peak.in(teraflops(1));
  run.tflops_causal = tflops(true);
  run.tflops_noncausal = tflops(false);
  run.tokens_per_second_and_gpu = tokens / step / static_cast<double>(job.parallel.ranks());
  run.gpu_hours_per_trillion_tokens =
      1e12 / tokens * run.result.step_time.in(hours(1)) * static_cast<double>(job.parallel.ranks());
  run.mfu_causal = run.tflops_causal / peak;
  run.mfu_noncausal = run.tflops_noncausal / peak;
  return run;
}

ModelReport make_model(const spec::ModelSpec& model, std::int64_t sequence_length) {
  const auto flop = [&](bool causal) {
    return model::training_flop_per_token(model,
                                          {.sequence_length = sequence_length, .causal = causal})
        .total();
  };
  const model::ModelSize size = model::model_size(model);
  return {.name = model.name,
          .size = size,
          .parts = model::parameters_by_part(size),
          .kv_cache_per_token = model::kv_cache_per_token(model),
          .sequence_length = sequence_length,
          .flop_parts = model::training_flop_by_part(model, {.sequence_length = sequence_length}),
          .flop_per_token_causal = flop(true),
          .flop_per_token_noncausal = flop(false)};
}

const simulate::RankResult& shown_rank(const RunReport& run) {
  PW_CHECK(!run.result.ranks.empty());
  return run.result.ranks.front();
}

const simulate::RankResult& busiest_rank(const RunReport& run) {
  const auto bubble = [](const simulate::RankResult& rank) {
    return rank.phases[static_cast<std::size_t>(workload::Phase::bubble)];
  };
  return *std::min_element(run.result.ranks.begin(), run.result.ranks.end(),
                           [&](const auto& a, const auto& b) { return bubble(a) < bubble(b); });
}

std::vector<CommunicationTime> communication_of(const simulate::RankResult& rank,
                                                const std::vector<std::string>& labels) {
  std::vector<CommunicationTime> kinds;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (rank.busy[i] == Seconds{} && rank.exposed[i] == Seconds{}) continue;
    auto kind = std::find_if(kinds.begin(), kinds.end(),
                             [&](const CommunicationTime& k) { return k.name == labels[i]; });
    if (kind == kinds.end()) kind = kinds.insert(kinds.end(), {.name = labels[i]});
    kind->busy += rank.busy[i];
    kind->exposed += rank.exposed[i];
    kind->hidden += rank.hidden(i);
  }
  return kinds;
}

std::string render(const Report& report, Format format) {
  switch (format) {
    case Format::text:
      return render_text(report);
    case Format::md:
      return render_markdown(report);
    case Format::json:
      return render_json(report);
    case Format::csv:
      return render_csv(report);
  }
  PW_UNREACHABLE("Format has four values");
}

}  // namespace planewise::report
