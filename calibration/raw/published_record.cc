#include "calibration/raw/published_record.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "calibration/measure/fingerprint.h"
#include "calibration/raw/words.h"
#include "workload/product_operator.h"

namespace planewise::calibration {
namespace {

constexpr spec::IntegerRange kExtent{.min = 1, .max = 1'000'000'000};
constexpr spec::IntegerRange kSms{.min = 1, .max = 1024};
constexpr spec::IntegerRange kNodes{.min = 1, .max = 100'000};
constexpr spec::NumberRange kShare{.min = 0, .max = 1};

spec::Evidence read_evidence(JsonFields& fields) {
  return evidence_of(fields.choice("evidence", evidence_words()));
}

spec::Beside read_beside(JsonFields& fields) {
  if (!fields.has("beside")) return spec::Beside::alone;
  return static_cast<spec::Beside>(fields.choice("beside", beside_words()));
}

spec::GemmShape read_shape(JsonFields& fields) {
  return {.groups = fields.small_integer("groups", kExtent),
          .m = fields.small_integer("m", kExtent),
          .n = fields.small_integer("n", kExtent),
          .k = fields.small_integer("k", kExtent)};
}

/// Whether an earlier record of `file` gives operator `id` a curve.
bool has_curve(const RawFile& file, const std::string& id) {
  const auto is_id = [&](const std::string& other) { return other == id; };
  return std::any_of(file.points.begin(), file.points.end(),
                     [&](const PointRecord& point) { return point.measurement.id == id; }) ||
         std::any_of(file.models.begin(), file.models.end(),
                     [&](const ModelRecord& model) {
                       return std::any_of(model.ids.begin(), model.ids.end(), is_id);
                     }) ||
         std::any_of(file.totals.begin(), file.totals.end(),
                     [&](const TotalRecord& total) { return total.id == id; }) ||
         std::any_of(file.curves.begin(), file.curves.end(),
                     [&](const CurveRecord& curve) { return curve.curve.id == id; });
}

/// Whether an earlier record has points of `id`, alone on all SMs of the GPU.
bool has_whole_points(const RawFile& file, const std::string& id) {
  return std::any_of(file.points.begin(), file.points.end(), [&](const PointRecord& point) {
    const Measurement& m = point.measurement;
    return m.id == id && m.beside == spec::Beside::alone && file.profile &&
           m.sms == file.profile->gpu.sms;
  });
}

void read_profile(JsonFields& fields, RawFile& file) {
  ProfileRecord record{.name = fields.text("name"), .source = fields.text("source")};
  JsonFields gpu = fields.map("gpu");
  record.gpu.name = gpu.text("name");
  record.gpu.sms = gpu.small_integer("sms", kSms);
  record.gpu.bf16_peak = teraflops(gpu.positive("bf16_peak_tflops"));
  record.gpu.kernel_gap = microseconds(gpu.number("kernel_gap_us", {.min = 0}));
  record.gpu.memory_rate = gigabytes_per_second(gpu.positive("memory_rate_gb_per_s"));
  record.gpu.memory = bytes(gpu.positive("memory_bytes"));
  record.gpu.source = gpu.text("source");
  if (file.profile) {
    fields.error("record", "a second profile in one file", "keep one 'profile' record");
  }
  file.profile = std::move(record);
}

/// Of the last part of an operator's id: `gemm.mxfp8`.
spec::Precision precision_of(const std::string& id) {
  const std::string_view suffix = std::string_view(id).substr(id.rfind('.') + 1);
  if (suffix == "fp8") return spec::Precision::fp8_blockwise;
  if (suffix == "fp8_tensorwise") return spec::Precision::fp8_tensorwise;
  if (suffix == "mxfp8") return spec::Precision::mxfp8;
  return spec::Precision::bf16;
}

void read_row(JsonFields& fields, RawFile& file) {
  PointRecord point;
  Measurement& m = point.measurement;
  m.id = fields.text("id");
  m.kernel = Kernel::product;
  m.precision = precision_of(m.id);
  m.sms = fields.small_integer("sms", kSms);
  m.beside = read_beside(fields);
  m.shape = read_shape(fields);
  const double rate = fields.positive("tflops");
  point.evidence = read_evidence(fields);
  point.source = fields.text("source");
  if (!fields.is_well()) return;
  const workload::Operator op = workload::product_operator({.precision = m.precision,
                                                            .groups = m.shape.groups,
                                                            .m = m.shape.m,
                                                            .n = m.shape.n,
                                                            .k = m.shape.k});
  m.work = op.work;
  m.traffic = op.traffic;
  point.times = {m.work / teraflops(rate)};
  point.key = key_of(m);
  file.points.push_back(std::move(point));
}

TotalRecord::Call read_call(JsonFields& fields) {
  TotalRecord::Call call{.what = fields.text("what")};
  if (fields.has("m")) call.shape = read_shape(fields);
  call.work = flop(fields.optional_number("flop", {.min = 0}));
  call.traffic = bytes(fields.optional_number("bytes", {.min = 0}));
  if (call.work == Flop{} && call.traffic == Bytes{}) {
    fields.error("what", "a call without 'flop' and without 'bytes'", "say what was worked on");
  }
  return call;
}

/// What the calls of a curve are counted by: 2 a product's shape, 1 FLOPs, 0 bytes.
int measure_of(const TotalRecord::Call& call) {
  if (call.shape.m > 0) return 2;
  return call.work > Flop{} ? 1 : 0;
}

void check_total(const TotalRecord& total, JsonFields& fields, const RawFile& file) {
  const int measure = measure_of(total.calls.front());
  for (const TotalRecord::Call& call : total.calls) {
    if (measure_of(call) == measure) continue;
    fields.error("calls", "calls of one total are all products, all of FLOPs, or all of bytes",
                 "make a total of another id of the others");
    return;
  }
  if (measure == 2 && total.calls.front().work == Flop{}) {
    fields.error("calls", "products without 'flop'", "write the FLOPs of each");
  }
  if (total.only_kernels &&
      std::none_of(file.totals.begin(), file.totals.end(), [&](const TotalRecord& other) {
        return other.id == total.id && other.sms == total.sms && other.beside == total.beside;
      })) {
    fields.error("only_kernels", "a curve of kernels alone has no rate",
                 "the totals that make its rate come first");
  }
  for (const TotalRecord& other : file.totals) {
    if (other.id != total.id || other.sms != total.sms || other.beside != total.beside) continue;
    if (measure_of(other.calls.front()) == measure &&
        other.by_least_squares == total.by_least_squares) {
      continue;
    }
    fields.error("calls", "totals of one curve are of one kind, and of one 'by'",
                 "write them as the total of this id before");
    return;
  }
}

void read_total(JsonFields& fields, RawFile& file) {
  TotalRecord total{.id = fields.text("id"), .phase = fields.text("phase")};
  total.sms = fields.small_integer("sms", kSms);
  total.beside = read_beside(fields);
  total.time = microseconds(fields.positive("time_us"));
  total.kernels = fields.number("kernels", {.min = 0});
  if (fields.has("only_kernels")) total.only_kernels = fields.boolean("only_kernels");
  if (fields.has("by")) total.by_least_squares = fields.choice("by", {"sum", "least_squares"}) == 1;
  total.evidence = read_evidence(fields);
  total.source = fields.text("source");
  for (JsonFields& call : fields.maps("calls")) total.calls.push_back(read_call(call));
  if (!fields.is_well()) return;
  if (total.calls.empty()) {
    fields.error("calls", "a total of no calls", "list what the time was taken by");
    return;
  }
  check_total(total, fields, file);
  if (fields.is_well()) file.totals.push_back(std::move(total));
}

/// `times` over `over`, each 1 if it is missing.
double read_scale(JsonFields& fields) {
  Scale scale;
  if (fields.has("times")) scale.times = fields.positive("times");
  if (fields.has("over")) scale.over = fields.positive("over");
  return scale.value();
}

void read_rates(CurveRecord& record, JsonFields& fields) {
  spec::OperatorCurve& curve = record.curve;
  curve.form = static_cast<spec::OperatorForm>(fields.choice("form", form_words()));
  if (curve.form == spec::OperatorForm::byte_rate) {
    if (fields.has("memory_share")) {
      record.memory_share = fields.number("memory_share", kShare);
    } else {
      curve.memory_rate = gigabytes_per_second(fields.positive("gb_per_s"));
    }
    if (fields.has("overhead_us")) {
      curve.overhead = microseconds(fields.number("overhead_us", {.min = 0}));
    }
    return;
  }
  const bool has_both =
      curve.form == spec::OperatorForm::gemm || curve.form == spec::OperatorForm::roofline;
  if (has_both) {
    curve.memory_rate = gigabytes_per_second(fields.positive("gb_per_s"));
    curve.overhead = microseconds(fields.number("overhead_us", {.min = 0}));
  }
  if (has_both || !fields.has("sequences")) {
    curve.flop_rate = teraflops(fields.positive("tflops"));
    return;
  }
  for (JsonFields& point : fields.maps("sequences")) {
    const std::int64_t sequence = point.integer("sequence", kExtent);
    if (!curve.sequences.empty() && sequence <= curve.sequences.back().sequence) {
      point.error("sequence", "lengths must ascend", "sort them");
    }
    const double rate = point.positive("tflops");
    curve.sequences.push_back({.sequence = sequence, .rate = teraflops(rate) * read_scale(point)});
  }
  if (curve.sequences.empty()) {
    fields.error("sequences", "an empty list", "give lengths with their rates, or 'tflops'");
    return;
  }
  curve.flop_rate = curve.sequences.back().rate;
}

void read_curve(JsonFields& fields, RawFile& file) {
  CurveRecord record{.line = fields.line()};
  spec::OperatorCurve& curve = record.curve;
  curve.id = fields.text("id");
  curve.sms = fields.small_integer("sms", kSms);
  curve.beside = read_beside(fields);
  curve.evidence = read_evidence(fields);
  curve.source = fields.text("source");
  if (fields.has("times")) record.scale.times = fields.positive("times");
  if (fields.has("over")) record.scale.over = fields.positive("over");
  if (fields.has("as")) {
    record.as = fields.text("as");
    if (!record.as.empty() && !has_curve(file, record.as)) {
      fields.error("as", fmt::format("no curve of {} before", in_quotes(record.as)),
                   "a curve that others take comes first");
    }
  } else {
    read_rates(record, fields);
  }
  if (fields.is_well()) file.curves.push_back(std::move(record));
}

void read_model(JsonFields& fields, RawFile& file) {
  ModelRecord model{.ids = fields.texts("ids"), .source = fields.optional_text("source")};
  model.tile = fields.optional_integer("tile", {.min = 0, .max = 4096});
  if (!fields.is_well()) return;
  const bool has_points = std::any_of(model.ids.begin(), model.ids.end(),
                                      [&](const auto& id) { return has_whole_points(file, id); });
  if (!has_points) {
    fields.error("ids", "no row of any of them alone on the whole GPU before",
                 "a model is fitted to rows, which come first");
    return;
  }
  for (const std::string& id : model.ids) {
    if (!model.source.empty() || has_whole_points(file, id)) continue;
    fields.error("source", fmt::format("is missing, and {} has no rows", in_quotes(id)),
                 "say why it takes the model of the others");
    return;
  }
  file.models.push_back(std::move(model));
}

void check_from(const InStepRecord& record, JsonFields& fields, const RawFile& file) {
  const bool is_found =
      std::any_of(file.totals.begin(), file.totals.end(), [&](const TotalRecord& total) {
        return total.id == record.from && total.beside == spec::Beside::communication &&
               measure_of(total.calls.front()) == 2;
      });
  if (is_found && has_whole_points(file, record.from)) return;
  fields.error(
      "from",
      fmt::format("no rows of {} and totals beside communication before", in_quotes(record.from)),
      "a share follows from both; or write 'share'");
}

void read_in_step(JsonFields& fields, RawFile& file) {
  InStepRecord record{.ids = fields.texts("ids"), .line = fields.line()};
  if (fields.has("from")) {
    record.from = fields.text("from");
    if (fields.is_well()) check_from(record, fields, file);
  } else {
    record.share = fields.positive("share");
    if (record.share > 1) fields.error("share", "is more than 1", "write a share of the rates");
  }
  record.evidence = read_evidence(fields);
  record.source = fields.text("source");
  if (fields.is_well()) file.in_steps.push_back(std::move(record));
}

void read_links(JsonFields& fields, RawFile& file) {
  if (file.links) fields.error("record", "links a second time", "keep one 'links' record");
  file.links = {.rail = gigabytes_per_second(fields.positive("rail_gb_per_s")),
                .nvlink = gigabytes_per_second(fields.positive("nvlink_gb_per_s")),
                .nvlink_latency = microseconds(fields.number("nvlink_latency_us", {.min = 0})),
                .source = fields.text("source")};
}

void require_links(JsonFields& fields, const RawFile& file) {
  if (file.links) return;
  fields.error("record", "no 'links' record before", "efficiencies are counted against links");
}

void read_exchange(JsonFields& fields, RawFile& file) {
  ExchangeRecord record{.ids = fields.texts("ids"), .beside = read_beside(fields)};
  record.bound_by_rails = fields.choice("bound", {"nvlink", "rails"}) == 1;
  record.nodes = fields.small_integer("nodes", kNodes);
  record.nodes_per_token = fields.small_integer("nodes_per_token", kNodes);
  record.copies = fields.positive("copies");
  record.tokens = fields.positive("tokens");
  record.bytes_per_token = bytes(fields.positive("bytes_per_token"));
  if (fields.has("time_us")) {
    record.time = microseconds(fields.positive("time_us"));
  } else {
    record.logical = gigabytes_per_second(fields.positive("logical_gb_per_s"));
  }
  record.source = fields.text("source");
  require_links(fields, file);
  if (record.bound_by_rails && record.nodes < 2) {
    fields.error("nodes", "one node sends nothing over rails", "'bound' is 'nvlink' there");
  }
  if (fields.is_well()) file.exchanges.push_back(std::move(record));
}

void read_transfer(JsonFields& fields, RawFile& file) {
  TransferRecord record{.ids = fields.texts("ids")};
  record.ranks = fields.small_integer("ranks", {.min = 2, .max = 1024});
  record.size = bytes(fields.positive("bytes"));
  record.time = microseconds(fields.positive("time_us"));
  record.source = fields.text("source");
  require_links(fields, file);
  for (const TransferRecord& before : file.transfers) {
    if (before.ids != record.ids || before.size < record.size) continue;
    fields.error("bytes", "sizes of a collective must ascend", "sort its transfers");
    break;
  }
  if (fields.is_well()) file.transfers.push_back(std::move(record));
}

void read_low_latency(JsonFields& fields, RawFile& file) {
  LowLatencyRecord record{.ids = fields.texts("ids")};
  record.ranks = fields.small_integer("ranks", {.min = 2, .max = 100'000});
  record.ranks_per_node = fields.small_integer("ranks_per_node", {.min = 1, .max = 1024});
  record.tokens = fields.positive("tokens");
  record.experts_per_token = fields.small_integer("experts_per_token", {.min = 1, .max = 1024});
  record.bytes_per_message = bytes(fields.positive("bytes_per_message"));
  record.time = microseconds(fields.positive("time_us"));
  record.source = fields.text("source");
  require_links(fields, file);
  if (fields.is_well() && record.ranks <= record.ranks_per_node) {
    fields.error("ranks", "ranks of one node send nothing over rails",
                 "what is fitted is the way over NICs");
  }
  if (fields.is_well()) file.low_latencies.push_back(std::move(record));
}

void read_collective(JsonFields& fields, RawFile& file) {
  CollectiveRecord record{.line = fields.line()};
  spec::CollectiveCurve& curve = record.curve;
  curve.id = fields.text("id");
  curve.beside = read_beside(fields);
  record.has_latency = fields.has("latency_us");
  record.has_rail = fields.has("rail_efficiency");
  record.has_nvlink = fields.has("nvlink_efficiency");
  if (record.has_latency) curve.latency = microseconds(fields.number("latency_us", {.min = 0}));
  if (record.has_rail) curve.rail_efficiency = fields.number("rail_efficiency", kShare);
  if (record.has_nvlink) curve.nvlink_efficiency = fields.number("nvlink_efficiency", kShare);
  if (fields.has("chunk_tokens")) curve.chunk_tokens = fields.integer("chunk_tokens", kExtent);
  if (fields.has("message_time_us")) {
    curve.message_time = microseconds(fields.positive("message_time_us"));
  }
  if (fields.has("reach")) {
    curve.reach =
        fields.choice("reach", {"node", "network"}) == 0 ? spec::Reach::node : spec::Reach::network;
  }
  curve.evidence = read_evidence(fields);
  curve.source = fields.text("source");
  if (fields.is_well()) file.collectives.push_back(std::move(record));
}

struct Kind {
  std::string_view word{};
  void (*read)(JsonFields& fields, RawFile& file) = nullptr;
};

constexpr Kind kKinds[] = {{"profile", read_profile},      {"row", read_row},
                           {"model", read_model},          {"total", read_total},
                           {"curve", read_curve},          {"in_step", read_in_step},
                           {"links", read_links},          {"exchange", read_exchange},
                           {"transfer", read_transfer},    {"low_latency", read_low_latency},
                           {"collective", read_collective}};

}  // namespace

bool read_published_record(const std::string& kind, JsonFields& fields, RawFile& file) {
  for (const Kind& known : kKinds) {
    if (known.word != kind) continue;
    if (kind != "profile" && !file.profile) {
      fields.error("record",
                   fmt::format("{} is a record of published tables, which have a 'profile' first",
                               in_quotes(kind)),
                   "a measured file has 'environment', 'point' and 'not_measured'");
      return false;
    }
    known.read(fields, file);
    return true;
  }
  fields.error("record", fmt::format("{} is not a record", in_quotes(kind)),
               "write 'environment', 'point' or 'not_measured'");
  return false;
}

}  // namespace planewise::calibration
