#include "spec/profile.h"

#include <fmt/format.h>

#include <array>
#include <map>

#include "spec/read.h"
#include "spec/read_file.h"

namespace planewise::spec {
namespace {

constexpr IntegerRange kSms{.min = 1, .max = 1024};
constexpr IntegerRange kExtent{.min = 1, .max = 1'000'000'000};
constexpr IntegerRange kKernels{.min = 1, .max = 10'000};
constexpr NumberRange kShare{.min = 0.01, .max = 1};

GemmPoint read_point(MapReader& map) {
  GemmPoint point;
  point.shape.groups = map.integer("groups", kExtent);
  point.shape.m = map.integer("m", kExtent);
  point.shape.n = map.integer("n", kExtent);
  point.shape.k = map.integer("k", kExtent);
  point.rate = map.quantity<FlopRate>("rate");
  return point;
}

void read_points(OperatorCurve& curve, MapReader& map) {
  std::map<std::array<std::int64_t, 4>, std::size_t> first_with;
  for (MapReader reader : map.maps("points")) {
    const GemmPoint point = read_point(reader);
    const GemmShape& shape = point.shape;
    const auto [first, is_new] =
        first_with.try_emplace({shape.groups, shape.m, shape.n, shape.k}, curve.points.size());
    if (!is_new && reader.read_well({"groups", "m", "n", "k"})) {
      reader.error("groups", fmt::format("the same shape as points[{}]", first->second),
                   "keep one of the two");
    }
    curve.points.push_back(point);
  }
}

void read_gemm(OperatorCurve& curve, MapReader& map) {
  if (map.has("points")) read_points(curve, map);
  if (map.has("in_step")) {
    MapReader in_step = map.map("in_step");
    curve.in_step = in_step.number("share", {.min = 0.1, .max = 1});
    curve.in_step_evidence = read_evidence(in_step, "evidence");
    in_step.text("source");
  }
  MapReader model = map.map("model");
  curve.flop_rate = model.quantity<FlopRate>("flop_rate");
  curve.memory_rate = model.quantity<Rate>("memory_rate");
  curve.overhead = model.quantity<Seconds>("overhead", Sign::not_negative);
  if (model.has("tile")) curve.tile = model.small_integer("tile", {.min = 8, .max = 1024});
  if (model.has("held_out_error")) model.number("held_out_error", {.min = 0, .max = 10});
  curve.model_evidence = read_evidence(model, "evidence");
}

void read_sequences(OperatorCurve& curve, MapReader& map) {
  for (MapReader reader : map.maps("sequences")) {
    const SequencePoint point{.sequence = reader.integer("sequence", kExtent),
                              .rate = reader.quantity<FlopRate>("rate")};
    if (reader.read_well({"sequence"}) && !curve.sequences.empty() &&
        point.sequence <= curve.sequences.back().sequence) {
      reader.error("sequence",
                   fmt::format("{} is not above {}, that of sequences[{}]", point.sequence,
                               curve.sequences.back().sequence, curve.sequences.size() - 1),
                   "each length once, in ascending order");
    }
    curve.sequences.push_back(point);
  }
}

void read_flop_rate(OperatorCurve& curve, MapReader& map) {
  if (map.has("sequences")) read_sequences(curve, map);
  if (curve.sequences.empty() || map.has("flop_rate")) {
    curve.flop_rate = map.quantity<FlopRate>("flop_rate");
  } else {
    curve.flop_rate = curve.sequences.back().rate;
  }
}

/// The keys that hold an operator's rates; which of them depends on its form.
void read_rates(OperatorCurve& curve, MapReader& map) {
  if (!map.read_well({"form"})) {
    map.allow({"points", "model", "sequences", "flop_rate", "memory_rate"});
    return;
  }
  switch (curve.form) {
    case OperatorForm::gemm:
      read_gemm(curve, map);
      map.not_used({"flop_rate", "memory_rate"}, "form 'gemm' has this under 'model'");
      map.not_used({"sequences"}, "form 'gemm' does not use this");
      break;
    case OperatorForm::flop_rate:
      read_flop_rate(curve, map);
      map.not_used({"points", "model", "in_step", "memory_rate"},
                   "form 'flop_rate' does not use this");
      break;
    case OperatorForm::byte_rate:
      curve.memory_rate = map.quantity<Rate>("memory_rate");
      map.not_used({"points", "model", "sequences", "flop_rate"},
                   "form 'byte_rate' does not use this");
      break;
  }
}

OperatorCurve read_operator(MapReader& map) {
  OperatorCurve curve;
  curve.id = map.text("id");
  curve.form = map.choice<OperatorForm>("form", {{"gemm", OperatorForm::gemm},
                                                 {"flop_rate", OperatorForm::flop_rate},
                                                 {"byte_rate", OperatorForm::byte_rate}});
  curve.sms = map.small_integer("sms", kSms);
  curve.beside = map.choice<Beside>(
      "beside", {{"alone", Beside::alone}, {"communication", Beside::communication}});
  curve.evidence = read_evidence(map, "evidence");
  curve.source = map.text("source");
  if (map.has("kernels")) curve.kernels = map.small_integer("kernels", kKernels);
  read_rates(curve, map);
  return curve;
}

void read_pieces(CollectiveCurve& curve, MapReader& map) {
  for (MapReader reader : map.maps("pieces")) {
    const CollectivePiece piece{.from = reader.quantity<Bytes>("from"),
                                .latency = reader.quantity<Seconds>("latency", Sign::not_negative),
                                .rail_efficiency = reader.number("rail_efficiency", kShare),
                                .nvlink_efficiency = reader.number("nvlink_efficiency", kShare)};
    if (reader.read_well({"from"}) && !curve.pieces.empty() &&
        piece.from <= curve.pieces.back().from) {
      reader.error("from", fmt::format("not above that of pieces[{}]", curve.pieces.size() - 1),
                   "each size once, in ascending order");
    }
    curve.pieces.push_back(piece);
  }
}

CollectiveCurve read_collective(MapReader& map) {
  CollectiveCurve curve;
  curve.id = map.text("id");
  if (map.has("beside")) {
    curve.beside =
        map.choice<Beside>("beside", {{"alone", Beside::alone}, {"compute", Beside::compute}});
  }
  curve.latency = map.quantity<Seconds>("latency", Sign::not_negative);
  curve.rail_efficiency = map.number("rail_efficiency", kShare);
  curve.nvlink_efficiency = map.number("nvlink_efficiency", kShare);
  if (map.has("chunk_tokens")) {
    curve.chunk_tokens = map.integer("chunk_tokens", {.min = 0, .max = 1'000'000});
  }
  if (map.has("pieces")) read_pieces(curve, map);
  curve.evidence = read_evidence(map, "evidence");
  curve.source = map.text("source");
  return curve;
}

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
  if (map.has("beside") && !map.read_well({"beside"})) return;
  for (std::size_t i = 0; i < profile.collectives.size(); ++i) {
    const CollectiveCurve& other = profile.collectives[i];
    if (other.id != curve.id || other.beside != curve.beside) continue;
    map.error("id", fmt::format("the same id and beside as collectives[{}]", i),
              "curves of one id differ in 'beside'");
    return;
  }
}

void fill_profile(ProfileSpec& profile, MapReader& root) {
  profile.name = root.text("name");
  profile.source = root.text("source");
  MapReader gpu = root.map("gpu");
  profile.gpu = read_gpu(gpu);
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
                                       Beside beside) {
  const CollectiveCurve* first = nullptr;
  for (const CollectiveCurve& curve : profile.collectives) {
    if (curve.id != id) continue;
    if (curve.beside == beside) return &curve;
    if (first == nullptr) first = &curve;
  }
  return first;
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
