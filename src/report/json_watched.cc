#include "report/json_watched.h"

#include <string>

namespace planewise::report {
namespace {

using simulate::Explanation;
using simulate::PathShare;
using simulate::Saving;

Json kind_json(const std::optional<fabric::LinkKind>& kind) {
  if (!kind) return nullptr;
  return fabric::kLinkKindWords[static_cast<std::size_t>(*kind)];
}

Json loads_json(const simulate::Result& result) {
  Json kinds = Json::array();
  for (const simulate::KindLoad& kind : result.loads->kinds) {
    kinds.push_back({{"kind", kind_json(kind.kind)},
                     {"links", kind.links},
                     {"mean_load", kind.mean_load},
                     {"mean", kind.mean},
                     {"maximum", kind.maximum}});
  }
  Json busiest = Json::array();
  for (const simulate::BusyLink& link : result.busiest) {
    busiest.push_back({{"link", link.load.name},
                       {"kind", kind_json(link.load.kind)},
                       {"links", link.links},
                       {"carried_bytes", link.load.carried.in(bytes(1))},
                       {"mean_load", link.load.mean_load},
                       {"peak_load", link.peak_load},
                       {"peak_began_s", link.peak_began.in(seconds(1))}});
  }
  return {{"bin_width_s", result.loads->bin_width.in(seconds(1))},
          {"kinds", std::move(kinds)},
          {"busiest", std::move(busiest)}};
}

Json completion_json(const std::vector<simulate::LabelCompletion>& labels) {
  Json json = Json::array();
  for (const simulate::LabelCompletion& label : labels) {
    json.push_back({{"label", label.label},
                    {"flows", label.flows},
                    {"p50_s", label.p50.in(seconds(1))},
                    {"p90_s", label.p90.in(seconds(1))},
                    {"p99_s", label.p99.in(seconds(1))},
                    {"longest_s", label.longest.in(seconds(1))}});
  }
  return json;
}

Json share_json(const PathShare& share, Seconds step) {
  return {{"name", share.name},
          {"pieces", share.pieces},
          {"time_s", share.time.in(seconds(1))},
          {"share", share.time.in(step)},
          {"latency_s", share.latency.in(seconds(1))}};
}

Json shares_json(const std::vector<PathShare>& shares, Seconds step) {
  Json json = Json::array();
  for (const PathShare& share : shares) json.push_back(share_json(share, step));
  return json;
}

const char* word_of(Saving::What what) {
  switch (what) {
    case Saving::What::compute:
      return "compute";
    case Saving::What::links:
      return "links";
    case Saving::What::latency:
      return "latency";
  }
  return "";
}

Json savings_json(const std::vector<Saving>& savings) {
  Json json = Json::array();
  for (const Saving& saving : savings) {
    json.push_back({{"what", word_of(saving.what)},
                    {"kind", kind_json(saving.kind)},
                    {"on_path_s", saving.on_path.in(seconds(1))},
                    {"at_most_s", saving.at_most.in(seconds(1))}});
  }
  return json;
}

Json explanation_json(const Explanation& why, const simulate::Result& result) {
  Json longest = Json::array();
  for (const simulate::NamedSegment& piece : why.longest) {
    longest.push_back({{"name", piece.name},
                       {"rank", piece.rank},
                       {"stage", piece.stage},
                       {"began_s", piece.segment.began.in(seconds(1))},
                       {"time_s", piece.segment.time().in(seconds(1))},
                       {"latency_s", piece.segment.latency.in(seconds(1))}});
  }
  Json transfers = Json::array();
  for (const simulate::LabelTimes& label : result.transfers) {
    transfers.push_back({{"label", label.label},
                         {"transfers", label.transfers},
                         {"alone_s", label.alone.in(seconds(1))},
                         {"together_s", label.together.in(seconds(1))},
                         {"bound_by", kind_json(label.bound_by)},
                         {"mean_s", label.mean.in(seconds(1))},
                         {"longest_s", label.longest.in(seconds(1))}});
  }
  return {{"pieces", why.pieces},
          {"by_work", shares_json(why.by_work, result.step_time)},
          {"by_phase", shares_json(why.by_phase, result.step_time)},
          {"by_stage", shares_json(why.by_stage, result.step_time)},
          {"savings", savings_json(why.savings)},
          {"longest", std::move(longest)},
          {"transfers", std::move(transfers)}};
}

}  // namespace

void add_watched(Json& run, const simulate::Result& result) {
  if (result.loads) run["loads"] = loads_json(result);
  if (!result.completion.empty()) run["completion"] = completion_json(result.completion);
  if (result.explanation) run["explanation"] = explanation_json(*result.explanation, result);
}

std::vector<Json> composition_rows(const Report& report) {
  std::vector<Json> rows;
  for (const Ran& run : all_ran(report)) {
    if (!run.result.explanation) continue;
    const Explanation& why = *run.result.explanation;
    const auto add = [&](const char* list, const std::vector<PathShare>& shares) {
      for (const PathShare& share : shares) {
        Json row = {{"fabric", run.fabric}, {"workload", run.workload}, {"list", list}};
        row.update(share_json(share, run.result.step_time));
        rows.push_back(std::move(row));
      }
    };
    add("by_work", why.by_work);
    add("by_phase", why.by_phase);
    add("by_stage", why.by_stage);
  }
  return rows;
}

}  // namespace planewise::report
