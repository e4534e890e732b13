#include "spec/profile_curves.h"

#include <fmt/format.h>

#include <array>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "spec/read_file.h"

namespace planewise::spec {
namespace {

constexpr IntegerRange kSms{.min = 1, .max = 1024};
constexpr IntegerRange kExtent{.min = 1, .max = 1'000'000'000};
constexpr IntegerRange kKernels{.min = 1, .max = 10'000};
constexpr NumberRange kShare{.min = 1e-6, .max = 1};

/// A piece's size is above that of the piece before it, `count` - 1.
void check_ascends(MapReader& piece, Bytes from, Bytes before, std::size_t count) {
  if (!piece.read_well({"from"}) || count == 0 || from > before) return;
  piece.error("from", fmt::format("not above that of pieces[{}]", count - 1),
              "each size once, in ascending order");
}

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
    curve.in_step_source = in_step.text("source");
  }
  MapReader model = map.map("model");
  curve.flop_rate = model.quantity<FlopRate>("flop_rate");
  curve.memory_rate = model.quantity<Rate>("memory_rate");
  curve.overhead = model.quantity<Seconds>("overhead", Sign::not_negative);
  if (model.has("tile")) curve.tile = model.small_integer("tile", {.min = 8, .max = 1024});
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

void read_byte_rate(OperatorCurve& curve, MapReader& map) {
  curve.memory_rate = map.quantity<Rate>("memory_rate");
  if (map.has("overhead")) {
    curve.overhead = map.quantity<Seconds>("overhead", Sign::not_negative);
  }
  if (!map.has("pieces")) return;
  for (MapReader reader : map.maps("pieces")) {
    const BytePiece piece{.from = reader.quantity<Bytes>("from"),
                          .overhead = reader.quantity<Seconds>("overhead", Sign::not_negative),
                          .memory_rate = reader.quantity<Rate>("memory_rate")};
    check_ascends(reader, piece.from, curve.pieces.empty() ? Bytes{} : curve.pieces.back().from,
                  curve.pieces.size());
    curve.pieces.push_back(piece);
  }
}

/// The keys that hold an operator's rates; which of them depends on its form.
void read_rates(OperatorCurve& curve, MapReader& map) {
  if (!map.read_well({"form"})) {
    map.allow({"points", "model", "in_step", "sequences", "flop_rate", "memory_rate", "overhead",
               "pieces"});
    return;
  }
  switch (curve.form) {
    case OperatorForm::gemm:
      read_gemm(curve, map);
      map.not_used({"flop_rate", "memory_rate", "overhead"}, "form 'gemm' has this under 'model'");
      map.not_used({"sequences", "pieces"}, "form 'gemm' does not use this");
      break;
    case OperatorForm::flop_rate:
      read_flop_rate(curve, map);
      map.not_used({"points", "model", "in_step", "memory_rate", "overhead", "pieces"},
                   "form 'flop_rate' does not use this");
      break;
    case OperatorForm::byte_rate:
      read_byte_rate(curve, map);
      map.not_used({"points", "model", "in_step", "sequences", "flop_rate"},
                   "form 'byte_rate' does not use this");
      break;
    case OperatorForm::roofline:
      curve.flop_rate = map.quantity<FlopRate>("flop_rate");
      curve.memory_rate = map.quantity<Rate>("memory_rate");
      curve.overhead = map.quantity<Seconds>("overhead", Sign::not_negative);
      map.not_used({"points", "model", "in_step", "sequences", "pieces"},
                   "form 'roofline' does not use this");
      break;
  }
}

/// The key under `valid` of each form, and an example.
struct ValidKey {
  std::string_view key;
  std::string_view example;
};
ValidKey valid_key(OperatorForm form) {
  switch (form) {
    case OperatorForm::gemm:
      return {"rows", "[128, 16384]"};
    case OperatorForm::flop_rate:
      return {"sequence", "[1024, 8192]"};
    case OperatorForm::byte_rate:
    case OperatorForm::roofline:
      return {"traffic", "[1 MB, 2 GB]"};
  }
  PW_UNREACHABLE("OperatorForm has four values");
}

std::optional<ValidRange> read_valid(OperatorForm form, MapReader map) {
  const auto [key, example] = valid_key(form);
  for (const std::string_view other : {"rows", "sequence", "traffic"}) {
    if (other == key || !map.has(other)) continue;
    map.error(other, fmt::format("an operator of this form is valid by '{}'", key),
              fmt::format("write '{}: {}'", key, example));
    map.allow({key});
    return std::nullopt;
  }
  std::vector<double> ends;
  if (valid_key(form).key == "traffic") {
    for (const Bytes size : map.quantities<Bytes>(key)) ends.push_back(size.in(bytes(1)));
  } else {
    for (const std::int64_t size : map.integers(key, kExtent)) {
      ends.push_back(static_cast<double>(size));
    }
  }
  if (!map.read_well({key})) return std::nullopt;
  if (ends.size() == 2 && ends[0] <= ends[1]) return ValidRange{.least = ends[0], .most = ends[1]};
  map.error(key, "not the least and the most size that were measured",
            fmt::format("write two, the least first: {}", example));
  return std::nullopt;
}

HeldOutError read_held_out(MapReader map) {
  constexpr NumberRange kError{.min = 0, .max = 1000};
  const HeldOutError error{.points = map.small_integer("points", kExtent),
                           .median = map.number("median", kError),
                           .p90 = map.number("p90", kError),
                           .most = map.number("most", kError)};
  if (map.read_well({"median", "p90", "most"}) &&
      (error.p90 < error.median || error.most < error.p90)) {
    map.error(error.p90 < error.median ? "p90" : "most",
              "below the one before it; 'median', 'p90' and 'most' do not descend");
  }
  return error;
}

ResultCheck read_check(MapReader map) {
  constexpr NumberRange kAny{.min = 0, .max = 1e12};
  return {.metric = map.text("metric"),
          .value = map.number("value", kAny),
          .limit = map.number("limit", kAny)};
}

/// What is known about the times: where they hold, how well, and what was timed.
void read_quality(OperatorCurve& curve, MapReader& map) {
  if (map.has("valid")) {
    if (map.read_well({"form"})) curve.valid = read_valid(curve.form, map.map("valid"));
  }
  if (map.has("held_out")) curve.held_out = read_held_out(map.map("held_out"));
  if (map.has("check")) curve.check = read_check(map.map("check"));
  if (map.has("implementation")) curve.implementation = map.text("implementation");
  if (map.has("proxy")) curve.proxy = map.text("proxy");
}

}  // namespace

OperatorCurve read_operator(MapReader& map) {
  OperatorCurve curve;
  curve.id = map.text("id");
  curve.form = map.choice<OperatorForm>("form", {{"gemm", OperatorForm::gemm},
                                                 {"flop_rate", OperatorForm::flop_rate},
                                                 {"byte_rate", OperatorForm::byte_rate},
                                                 {"roofline", OperatorForm::roofline}});
  curve.sms = map.small_integer("sms", kSms);
  curve.beside = map.choice<Beside>(
      "beside", {{"alone", Beside::alone}, {"communication", Beside::communication}});
  curve.evidence = read_evidence(map, "evidence");
  curve.source = map.text("source");
  if (map.has("kernels")) curve.kernels = map.small_integer("kernels", kKernels);
  read_rates(curve, map);
  read_quality(curve, map);
  return curve;
}

namespace {

void read_pieces(CollectiveCurve& curve, MapReader& map) {
  for (MapReader reader : map.maps("pieces")) {
    const CollectivePiece piece{.from = reader.quantity<Bytes>("from"),
                                .latency = reader.quantity<Seconds>("latency", Sign::not_negative),
                                .rail_efficiency = reader.number("rail_efficiency", kShare),
                                .nvlink_efficiency = reader.number("nvlink_efficiency", kShare)};
    check_ascends(reader, piece.from, curve.pieces.empty() ? Bytes{} : curve.pieces.back().from,
                  curve.pieces.size());
    curve.pieces.push_back(piece);
  }
}

}  // namespace

CollectiveCurve read_collective(MapReader& map) {
  CollectiveCurve curve;
  curve.id = map.text("id");
  if (map.has("beside")) {
    curve.beside =
        map.choice<Beside>("beside", {{"alone", Beside::alone}, {"compute", Beside::compute}});
  }
  if (map.has("reach")) {
    curve.reach = map.choice<Reach>("reach", {{"node", Reach::node}, {"network", Reach::network}});
  }
  curve.latency = map.quantity<Seconds>("latency", Sign::not_negative);
  curve.rail_efficiency = map.number("rail_efficiency", kShare);
  curve.nvlink_efficiency = map.number("nvlink_efficiency", kShare);
  if (map.has("chunk_tokens")) {
    curve.chunk_tokens = map.integer("chunk_tokens", {.min = 0, .max = 1'000'000});
  }
  if (map.has("message_time")) curve.message_time = map.quantity<Seconds>("message_time");
  if (map.has("pieces")) read_pieces(curve, map);
  if (map.has("held_out")) curve.held_out = read_held_out(map.map("held_out"));
  curve.evidence = read_evidence(map, "evidence");
  curve.source = map.text("source");
  return curve;
}

}  // namespace planewise::spec
