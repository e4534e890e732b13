// The header's sentences of inference.
#include <fmt/format.h>

#include <string>
#include <vector>

#include "print/table.h"
#include "report/notes.h"

namespace planewise::report {
namespace {

std::string exchange_text(const spec::ServingUnit& unit) {
  if (unit.exchange == spec::ExchangeMode::normal) {
    return fmt::format("normal exchanges on {} SMs", unit.communication_sms);
  }
  return unit.posting == spec::Posting::ibgda ? "low-latency exchanges, posted by the GPU"
                                              : "low-latency exchanges, posted by the host";
}

std::string unit_text(const spec::ServingUnit& unit, const spec::ModelSpec& model) {
  const std::int64_t ranks = unit.parallel.ranks();
  if (ranks == 1) return "one GPU";
  std::string text = fmt::format("{} ranks, TP{}", grouped(ranks), unit.parallel.tensor);
  if (!model.moe) return text;
  text += fmt::format(", EP{}", unit.parallel.expert);
  if (unit.redundant_experts > 0) {
    text += fmt::format(" with {} redundant experts", unit.redundant_experts);
  }
  if (unit.parallel.expert == 1) return text;
  text += fmt::format(", {}, {}", exchange_text(unit),
                      unit.micro_batches == 2 ? "two micro-batches overlap" : "nothing overlaps");
  if (unit.all_remote) text += ", every expert as if remote";
  return text;
}

}  // namespace

std::vector<std::string> simulated_notes(const spec::InferenceSpec& spec,
                                         const spec::ModelSpec& model) {
  const spec::MeanRequest mean = spec::mean_request(spec.requests);
  std::vector<std::string> notes;
  if (spec.decode) {
    notes.push_back(fmt::format("decode iterations of {}, {} tokens in a sequence's cache: {}",
                                model.name, grouped(static_cast<std::int64_t>(mean.cached + 0.5)),
                                unit_text(spec.decode->unit, model)));
  }
  if (spec.decode && spec.decode->draft) {
    notes.push_back(fmt::format("{} MTP {} an iteration, {:.2f} of its tokens right on average",
                                spec.decode->draft->acceptance.size(),
                                spec.decode->draft->acceptance.size() == 1 ? "draft" : "drafts",
                                spec::tokens_per_iteration(*spec.decode)));
  }
  if (spec.prefill) {
    notes.push_back(fmt::format(
        "a prefill iteration of {} tokens a replica, prompts of {} tokens of which {} are cached: "
        "{}",
        grouped(spec.prefill->tokens), grouped(static_cast<std::int64_t>(mean.prompt + 0.5)),
        percent(spec.prefix_hit_rate), unit_text(spec.prefill->unit, model)));
  }
  notes.emplace_back(
      "what bounds an iteration: the resource of which twice as much makes it shortest, each "
      "simulated");
  return notes;
}

std::vector<std::string> left_out_notes(const spec::InferenceSpec& spec,
                                        const spec::ProfileSpec& profile) {
  std::vector<std::string> notes = {
      "waiting: requests find a place at once, and batches are always full",
      "the cache's transfer beside other traffic"};
  if (spec.decode && spec.decode->unit.parallel.expert == 1) {
    notes.emplace_back("that sequences are unlike: all are of the mean length");
  }
  if (spec.shares_gpus) notes.emplace_back("what prefill does to TPOT while it takes its turn");
  const bool has_host_time = (spec.decode && spec.decode->unit.host_time > Seconds{}) ||
                             (spec.prefill && spec.prefill->unit.host_time > Seconds{});
  if (!has_host_time) {
    notes.emplace_back("the host's scheduling and sampling between iterations ('host_time')");
  }
  notes.push_back(
      fmt::format("sizes that the profile {} was not measured at are marked as "
                  "estimates",
                  profile.name));
  return notes;
}

}  // namespace planewise::report
