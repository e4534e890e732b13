#include "spec/profile.h"

#include <fmt/format.h>

#include "spec/profile_curves.h"
#include "spec/read.h"
#include "spec/read_file.h"

namespace planewise::spec {
namespace {

constexpr IntegerRange kSms{.min = 1, .max = 1024};
constexpr IntegerRange kCount{.min = 0, .max = 1'000'000'000};
constexpr IntegerRange kClock{.min = 0, .max = 100'000};

GpuSpec read_gpu(MapReader& map) {
  GpuSpec gpu;
  gpu.name = map.text("name");
  gpu.sms = map.small_integer("sms", kSms);
  gpu.bf16_peak = map.quantity<FlopRate>("bf16_peak");
  if (map.has("kernel_gap")) {
    gpu.kernel_gap = map.quantity<Seconds>("kernel_gap", Sign::not_negative);
  }
  gpu.memory_rate = map.quantity<Rate>("memory_rate");
  gpu.memory = map.quantity<Bytes>("memory");
  gpu.source = map.text("source");
  return gpu;
}

/// Curves of one id must differ in where they were taken. Operators and collectives share no id.
void check_operator_id(const ProfileSpec& profile, const OperatorCurve& curve, MapReader& map) {
  if (!map.read_well({"id", "sms", "beside"})) return;
  for (std::size_t i = 0; i < profile.operators.size(); ++i) {
    const OperatorCurve& other = profile.operators[i];
    if (other.id != curve.id || other.sms != curve.sms || other.beside != curve.beside) continue;
    map.error("id", fmt::format("the same id, sms and beside as operators[{}]", i),
              "curves of one id differ in 'sms' or 'beside'");
    return;
  }
}

void check_collective_id(const ProfileSpec& profile, const CollectiveCurve& curve, MapReader& map) {
  if (!map.read_well({"id"})) return;
  for (std::size_t i = 0; i < profile.operators.size(); ++i) {
    if (profile.operators[i].id != curve.id) continue;
    map.error("id", fmt::format("'{}' is the id of operators[{}] too", curve.id, i));
    return;
  }
  if (!map.read_well({"beside", "reach"})) return;
  for (std::size_t i = 0; i < profile.collectives.size(); ++i) {
    const CollectiveCurve& other = profile.collectives[i];
    if (other.id != curve.id || other.beside != curve.beside || other.reach != curve.reach) {
      continue;
    }
    map.error("id", fmt::format("the same id, beside and reach as collectives[{}]", i),
              "curves of one id differ in 'beside' or 'reach'");
    return;
  }
}

std::string optional_text(MapReader& map, std::string_view key) {
  return map.has(key) ? map.text(key) : "";
}

int optional_integer(MapReader& map, std::string_view key, IntegerRange range) {
  return map.has(key) ? map.small_integer(key, range) : 0;
}

Provenance read_provenance(MapReader map) {
  Provenance p;
  p.tool = map.text("tool");
  p.backend = optional_text(map, "backend");
  p.measured = optional_text(map, "measured");
  p.gpu_id = optional_text(map, "gpu_id");
  p.driver = optional_text(map, "driver");
  if (map.has("libraries")) p.libraries = map.texts_by_key("libraries");
  p.compiler = optional_text(map, "compiler");
  p.raw_sha256 = optional_text(map, "raw_sha256");
  p.points = optional_integer(map, "points", kCount);
  p.samples = optional_integer(map, "samples", kCount);
  p.clock_mhz_min = optional_integer(map, "clock_mhz_min", kClock);
  p.clock_mhz_max = optional_integer(map, "clock_mhz_max", kClock);
  if (map.read_well({"clock_mhz_min", "clock_mhz_max"}) && p.clock_mhz_max < p.clock_mhz_min) {
    map.error("clock_mhz_max",
              fmt::format("{} is below clock_mhz_min, {}", p.clock_mhz_max, p.clock_mhz_min));
  }
  if (map.has("power_w")) p.power_w = map.number("power_w", {.min = 0, .max = 1e6});
  if (map.has("throttle")) p.throttle = map.texts("throttle");
  return p;
}

/// What is said of the whole measurement; nothing of it is a time of a step.
void read_notes(ProfileSpec& profile, MapReader& root) {
  if (root.has("provenance")) profile.provenance = read_provenance(root.map("provenance"));
  if (root.has("not_measured")) {
    UniqueNames ids;
    for (MapReader map : root.maps("not_measured")) {
      profile.not_measured.push_back({.id = map.text("id"), .reason = map.text("reason")});
      ids.check(map, "id", profile.not_measured.back().id,
                fmt::format("not_measured[{}]", profile.not_measured.size() - 1));
    }
  }
  if (!root.has("sums")) return;
  for (MapReader map : root.maps("sums")) {
    profile.sums.push_back({.id = map.text("id"),
                            .operators = map.quantity<Seconds>("operators"),
                            .whole = map.quantity<Seconds>("whole"),
                            .limit = map.number("limit", {.min = 0, .max = 10})});
  }
}

void fill_profile(ProfileSpec& profile, MapReader& root) {
  profile.name = root.text("name");
  profile.source = root.text("source");
  read_notes(profile, root);
  MapReader gpu = root.map("gpu");
  profile.gpu = read_gpu(gpu);
  if (root.has("host")) {
    MapReader host = root.map("host");
    profile.host =
        HostSpec{.memory = host.quantity<Bytes>("memory"), .source = host.text("source")};
  }
  for (MapReader map : root.maps("operators")) {
    const OperatorCurve curve = read_operator(map);
    check_operator_id(profile, curve, map);
    if (gpu.read_well({"sms"}) && map.read_well({"sms"}) && curve.sms > profile.gpu.sms) {
      map.error("sms", fmt::format("{} SMs, but the GPU has {}", curve.sms, profile.gpu.sms));
    }
    profile.operators.push_back(curve);
  }
  for (MapReader map : root.maps("collectives")) {
    const CollectiveCurve curve = read_collective(map);
    check_collective_id(profile, curve, map);
    profile.collectives.push_back(curve);
  }
  if (root.has("links")) profile.links = read_link_rates(root.map("links"));
  if (root.has("interference")) {
    for (MapReader map : root.maps("interference")) {
      profile.interference.push_back(read_interference(map));
    }
  }
  if (!root.has("exchanges")) return;
  for (MapReader map : root.maps("exchanges")) profile.exchanges.push_back(read_exchange(map));
}

}  // namespace

ProfileSpec read_profile(Document document, Diagnostics& diagnostics) {
  return read_document<ProfileSpec>(std::move(document), kProfileFile, diagnostics, fill_profile);
}

ProfileSpec read_profile(const std::string& path, Diagnostics& diagnostics) {
  return read_profile(load_document(path, diagnostics), diagnostics);
}

const OperatorCurve* find_operator(const ProfileSpec& profile, const std::string& id,
                                   const OperatorPlace& place) {
  const int sms = place.sms == 0 ? profile.gpu.sms : place.sms;
  const OperatorCurve* best = nullptr;
  int best_match = -1;
  for (const OperatorCurve& curve : profile.operators) {
    if (curve.id != id) continue;
    const int match = (curve.beside == place.beside ? 2 : 0) + (curve.sms == sms ? 1 : 0);
    if (match > best_match) {
      best = &curve;
      best_match = match;
    }
  }
  return best;
}

const CollectiveCurve* find_collective(const ProfileSpec& profile, const std::string& id,
                                       Beside beside, Reach reach) {
  const CollectiveCurve* best = nullptr;
  int best_match = -1;
  for (const CollectiveCurve& curve : profile.collectives) {
    if (curve.id != id) continue;
    const bool reaches = reach == Reach::any || curve.reach == reach;
    // What says nothing of its reach is nearer than what says another one.
    const int match = (curve.beside == beside ? 4 : 0) + (reaches                     ? 2
                                                          : curve.reach == Reach::any ? 1
                                                                                      : 0);
    if (match > best_match) {
      best = &curve;
      best_match = match;
    }
  }
  return best;
}

CollectiveCurve at_size(const CollectiveCurve& curve, Bytes size) {
  CollectiveCurve result = curve;
  for (const CollectivePiece& piece : curve.pieces) {
    if (piece.from > size) break;
    result.latency = piece.latency;
    result.rail_efficiency = piece.rail_efficiency;
    result.nvlink_efficiency = piece.nvlink_efficiency;
  }
  return result;
}

}  // namespace planewise::spec
