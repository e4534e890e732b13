#include "spec/inference_parts.h"

#include <fmt/format.h>

#include <cmath>

namespace planewise::spec {
namespace {

constexpr IntegerRange kTokens{.min = 1, .max = 100'000'000};
constexpr IntegerRange kRanks{.min = 1, .max = 100'000};
constexpr std::int64_t kMostSequences = 1'000'000;
constexpr std::size_t kMostDrafts = 16;

int optional_count(MapReader& map, std::string_view key, IntegerRange range, int otherwise) {
  return map.has(key) ? map.small_integer(key, range) : otherwise;
}

/// tensor, data and expert; the expert groups are cut from the tensor x data ranks.
ParallelSpec read_parallel(MapReader& map) {
  ParallelSpec p;
  p.tensor = optional_count(map, "tensor", {.min = 1, .max = 1024}, 1);
  p.data = map.small_integer("data", kRanks);
  p.expert = optional_count(map, "expert", {.min = 1, .max = 4096}, 1);
  p.layout = read_group_layout(map, "layout");
  if (map.read_well({"tensor", "data", "expert"}) && p.ranks() % p.expert != 0) {
    map.error("expert", fmt::format("{} ranks (tensor x data) do not divide into expert groups of "
                                    "{}",
                                    p.ranks(), p.expert));
  }
  if (map.read_well({"tensor", "data"}) && p.ranks() > kRanks.max) {
    map.error("data", fmt::format("{} x {} = {} ranks; the most is {}", p.tensor, p.data, p.ranks(),
                                  kRanks.max));
  }
  return p;
}

/// What both units have; `exchange` is the mode that they have where they say nothing.
ServingUnit read_unit(MapReader& map, ExchangeMode exchange) {
  ServingUnit unit;
  unit.parallel = read_parallel(map);
  unit.micro_batches = optional_count(map, "micro_batches", {.min = 1, .max = 2}, 1);
  unit.exchange = exchange;
  if (map.has("exchange")) {
    unit.exchange = map.choice<ExchangeMode>(
        "exchange", {{"low_latency", ExchangeMode::low_latency}, {"normal", ExchangeMode::normal}});
  }
  const bool is_normal = unit.exchange == ExchangeMode::normal;
  if (map.has("posting")) {
    unit.posting = map.choice<Posting>(
        "posting", {{"ibgda", Posting::ibgda}, {"cpu_proxy", Posting::cpu_proxy}});
    if (is_normal) map.error("posting", "only 'exchange: low_latency' posts message by message");
  }
  if (map.has("communication_sms")) {
    unit.communication_sms = map.small_integer("communication_sms", {.min = 0, .max = 1023});
    if (!is_normal) {
      map.error("communication_sms", "'exchange: low_latency' leaves all SMs to computation",
                "leave it out, or write 'exchange: normal'");
    }
  }
  unit.redundant_experts = optional_count(map, "redundant_experts", {.min = 0, .max = 4096}, 0);
  if (map.has("shared_experts")) {
    unit.shared_experts = map.choice<SharedExperts>(
        "shared_experts", {{"local", SharedExperts::local}, {"routed", SharedExperts::routed}});
  }
  if (map.has("all_remote")) unit.all_remote = map.boolean("all_remote");
  if (map.has("host_time")) {
    unit.host_time = map.quantity<Seconds>("host_time", Sign::not_negative);
  }
  unit.source = map.text("source");
  return unit;
}

std::optional<DraftSpec> read_draft(MapReader& decode) {
  if (!decode.has("mtp")) return std::nullopt;
  DraftSpec draft;
  MapReader map = decode.map("mtp");
  for (MapReader position : map.maps("drafts")) {
    draft.acceptance.push_back(position.number("acceptance", {.min = 0, .max = 1}));
  }
  if (map.read_well({"drafts"}) &&
      (draft.acceptance.empty() || draft.acceptance.size() > kMostDrafts)) {
    map.error("drafts", fmt::format("{} draft positions; 1 to {} can be predicted",
                                    draft.acceptance.size(), kMostDrafts));
  }
  draft.source = map.text("source");
  return draft;
}

/// Ascending, and so many that each micro-batch of a replica has some.
void check_sequences(MapReader& map, const DecodeSpec& decode) {
  if (!map.read_well({"sequences", "micro_batches"})) return;
  if (decode.sequences.empty()) map.error("sequences", "there is no number of sequences");
  for (std::size_t i = 0; i < decode.sequences.size(); ++i) {
    const std::int64_t count = decode.sequences[i];
    if (i > 0 && count <= decode.sequences[i - 1]) {
      map.error(
          "sequences",
          fmt::format("{} is not above {}, which is before it", count, decode.sequences[i - 1]),
          "each number once, in ascending order");
      return;
    }
    if (count % decode.unit.micro_batches == 0) continue;
    map.error("sequences",
              fmt::format("{} sequences do not divide over {} micro-batches", count,
                          decode.unit.micro_batches),
              fmt::format("write {}, or 'micro_batches: 1'",
                          count + decode.unit.micro_batches - count % decode.unit.micro_batches));
    return;
  }
}

}  // namespace

std::vector<RequestKind> read_requests(MapReader& root) {
  std::vector<RequestKind> requests;
  std::vector<MapReader> maps = root.maps("requests");
  double shares = 0;
  bool well = root.read_well({"requests"});
  for (MapReader& map : maps) {
    RequestKind kind{.prompt_length = map.integer("prompt_length", kTokens),
                     .output_length = map.integer("output_length", kTokens)};
    const bool may_lack = maps.size() == 1 && !map.has("share");
    if (!may_lack) kind.share = map.number("share", {.min = 0, .max = 1});
    if (map.has("source")) map.text("source");
    well = well && map.read_well({"prompt_length", "output_length", "share"});
    shares += kind.share;
    requests.push_back(kind);
  }
  if (!well) return requests;
  if (requests.empty()) {
    root.error("requests", "there is no kind of request");
  } else if (std::abs(shares - 1) > 1e-6) {
    root.error("requests",
               fmt::format("the shares add up to {:.4g} %, not to 100 %", 100 * shares));
  }
  return requests;
}

DecodeSpec read_decode(MapReader map) {
  DecodeSpec decode;
  decode.unit = read_unit(map, ExchangeMode::low_latency);
  decode.sequences = map.integers("sequences", {.min = 1, .max = kMostSequences});
  check_sequences(map, decode);
  decode.draft = read_draft(map);
  if (map.has("tpot_limit")) decode.tpot_limit = map.quantity<Seconds>("tpot_limit");
  return decode;
}

PrefillSpec read_prefill(MapReader map) {
  PrefillSpec prefill;
  prefill.unit = read_unit(map, ExchangeMode::normal);
  prefill.tokens = map.integer("tokens", kTokens);
  if (map.read_well({"tokens", "micro_batches"}) &&
      prefill.tokens % prefill.unit.micro_batches != 0) {
    map.error("tokens", fmt::format("{} tokens do not divide over {} micro-batches", prefill.tokens,
                                    prefill.unit.micro_batches));
  }
  return prefill;
}

}  // namespace planewise::spec
