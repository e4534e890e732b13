#include "calibration/raw/point_record.h"

#include <fmt/format.h>

#include "base/text.h"
#include "calibration/raw/words.h"
#include "workload/product_operator.h"

namespace planewise::calibration {
namespace {

constexpr spec::IntegerRange kCount{.min = 0, .max = 1'000'000'000'000'000};
constexpr spec::IntegerRange kExtent{.min = 1, .max = 1'000'000'000};
constexpr spec::IntegerRange kSmall{.min = 0, .max = 1'000'000};
constexpr spec::NumberRange kNotNegative{.min = 0};

std::int64_t optional_count(JsonFields& fields, std::string_view key) {
  return fields.has(key) ? fields.integer(key, kCount) : 0;
}

int extent(JsonFields& fields, std::string_view key) { return fields.small_integer(key, kExtent); }

LayerSizes read_sizes(JsonFields fields) {
  LayerSizes sizes;
  sizes.hidden = extent(fields, "hidden");
  sizes.expert_width = extent(fields, "expert_width");
  sizes.vocabulary = extent(fields, "vocabulary");
  sizes.experts = extent(fields, "experts");
  sizes.experts_per_token = extent(fields, "experts_per_token");
  sizes.expert_groups = extent(fields, "expert_groups");
  sizes.groups_per_token = extent(fields, "groups_per_token");
  sizes.local_experts = extent(fields, "local_experts");
  sizes.routing_scale = fields.number("routing_scale");
  sizes.heads = extent(fields, "heads");
  sizes.qk_nope_head_dim = fields.small_integer("qk_nope_head_dim", kSmall);
  sizes.qk_rope_head_dim = fields.small_integer("qk_rope_head_dim", kSmall);
  sizes.v_head_dim = fields.small_integer("v_head_dim", kSmall);
  sizes.kv_lora_rank = fields.small_integer("kv_lora_rank", kSmall);
  return sizes;
}

bool is_product(Kernel kernel) {
  return kernel == Kernel::product || kernel == Kernel::weight_gradient;
}

/// What a word is if the key is there, else the first one.
std::size_t optional_choice(JsonFields& fields, std::string_view key,
                            const std::vector<std::string>& words, std::size_t otherwise = 0) {
  return fields.has(key) ? fields.choice(key, words) : otherwise;
}

void read_sizes_of(Measurement& m, JsonFields& fields) {
  if (is_product(m.kernel)) {
    m.shape = {.groups = extent(fields, "groups"),
               .m = extent(fields, "m"),
               .n = extent(fields, "n"),
               .k = extent(fields, "k")};
  } else {
    fields.allow({"groups", "m", "n", "k"});
    m.rows = optional_count(fields, "rows");
    m.width = optional_count(fields, "width");
  }
  m.sequence = optional_count(fields, "sequence");
}

/// Of a product that gives neither, as planewise counts them.
void count_product(Measurement& m) {
  const workload::Operator op = workload::product_operator({.precision = m.precision,
                                                            .groups = m.shape.groups,
                                                            .m = m.shape.m,
                                                            .n = m.shape.n,
                                                            .k = m.shape.k});
  if (m.work == Flop{}) m.work = op.work;
  if (m.traffic == Bytes{}) m.traffic = op.traffic;
}

Measurement read_measurement(JsonFields& fields) {
  static const std::vector<std::string> kernels = kernel_words();
  Measurement m;
  m.id = fields.text("id");
  m.kernel = static_cast<Kernel>(fields.choice("kernel", kernels));
  m.precision =
      static_cast<spec::Precision>(optional_choice(fields, "precision", precision_words()));
  read_sizes_of(m, fields);
  m.spread =
      static_cast<RowSpread>(optional_choice(fields, "spread", {"balanced", "uneven", "zipf"}));
  m.layout = static_cast<RowLayout>(optional_choice(fields, "layout", {"contiguous", "masked"}));
  m.sms = fields.optional_integer("sms", {.min = 0, .max = 1024});
  m.beside = static_cast<spec::Beside>(optional_choice(fields, "beside", beside_words()));
  m.regime = static_cast<Regime>(
      optional_choice(fields, "regime", {"cool", "sustained"}, static_cast<std::size_t>(m.regime)));
  m.work = flop(fields.optional_number("work_flop", kNotNegative));
  m.traffic = bytes(fields.optional_number("traffic_bytes", kNotNegative));
  if (fields.has("parts")) m.parts = fields.texts("parts");
  if (is_product(m.kernel) && fields.is_well()) count_product(m);
  return m;
}

/// A number, or `"nan"` and the like: poisoned outputs that nobody wrote compare as NaN.
double read_check_value(JsonFields& fields) {
  const std::vector<std::string> words = {"nan", "inf", "-inf"};
  if (!fields.has_text("value")) return fields.number("value");
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const double values[] = {std::numeric_limits<double>::quiet_NaN(), kInfinity, -kInfinity};
  return values[fields.choice("value", words)];
}

std::vector<CheckResult> read_checks(JsonFields& fields) {
  std::vector<CheckResult> checks;
  for (JsonFields& check : fields.maps("checks")) {
    checks.push_back({.reference = check.optional_text("reference"),
                      .metric = check.text("metric"),
                      .value = read_check_value(check),
                      .limit = check.number("limit")});
  }
  return checks;
}

void read_times(PointRecord& point, JsonFields& fields) {
  for (const double time : fields.positives("times_us")) {
    point.times.push_back(microseconds(time));
  }
}

/// The one time of a published row.
void read_published_time(PointRecord& point, JsonFields& fields) {
  const Measurement& m = point.measurement;
  const bool has_flops = fields.has("rate_tflops");
  const bool has_bytes = fields.has("rate_gb_per_s");
  const bool has_time = fields.has("time_us");
  if (int{has_flops} + int{has_bytes} + int{has_time} != 1) {
    fields.error("record", "a published point has one of 'rate_tflops', 'rate_gb_per_s', 'time_us'",
                 "write the number as it is printed");
    return;
  }
  if (has_time) {
    point.times = {microseconds(fields.positive("time_us"))};
    return;
  }
  const std::string_view key = has_flops ? "rate_tflops" : "rate_gb_per_s";
  const double rate = fields.positive(key);
  if (!fields.is_well()) return;
  if (has_flops ? m.work == Flop{} : m.traffic == Bytes{}) {
    fields.error(key,
                 has_flops ? "a rate of FLOPs without 'work_flop'"
                           : "a rate of bytes without 'traffic_bytes'",
                 "say what the rate is of; of a product it follows from its shape");
    return;
  }
  point.times = {has_flops ? m.work / teraflops(rate) : m.traffic / gigabytes_per_second(rate)};
}

void read_state(PointRecord& point, JsonFields& fields) {
  point.clock_mhz_min = fields.optional_integer("clock_mhz_min", kSmall);
  point.clock_mhz_max = fields.optional_integer("clock_mhz_max", kSmall);
  point.power_w = fields.optional_number("power_w", kNotNegative);
  point.temperature_c = fields.optional_integer("temperature_c", {.min = -273, .max = 1000});
  if (fields.has("throttle")) point.throttle = fields.texts("throttle");
}

void read_measured(PointRecord& point, JsonFields& fields) {
  point.environment = fields.text("environment");
  point.repetition = fields.small_integer("repetition", {.min = 1, .max = 1'000'000});
  point.check_failed = optional_choice(fields, "status", {"ok", "failed"}) == 1;
  if (!point.check_failed) {
    read_times(point, fields);
  } else if (fields.has("times_us")) {
    fields.error("times_us", "a point whose check failed has times",
                 "what was computed wrong was not timed; remove 'times_us' or the record");
  }
  if (fields.has("source")) point.source = fields.text("source");
  for (const char* key : {"rate_tflops", "rate_gb_per_s", "time_us"}) {
    if (fields.has(key)) fields.error(key, "a measured point has 'times_us' instead");
  }
}

}  // namespace

EnvironmentRecord read_environment(JsonFields& fields) {
  EnvironmentRecord record;
  Environment& e = record.environment;
  record.fingerprint = fields.text("fingerprint");
  record.created = fields.optional_text("created");
  record.model = fields.optional_text("model");
  if (fields.has("sizes")) record.sizes = read_sizes(fields.map("sizes"));
  e.backend = fields.text("backend");
  e.gpu = fields.text("gpu");
  e.gpu_id = fields.optional_text("gpu_id");
  e.compute_capability = fields.optional_text("compute_capability");
  e.sms = fields.optional_integer("sms", {.min = 0, .max = 1024});
  e.memory = bytes(fields.optional_number("memory_bytes", kNotNegative));
  e.l2 = bytes(fields.optional_number("l2_bytes", kNotNegative));
  e.clock_mhz_max = fields.optional_integer("clock_mhz_max", kSmall);
  e.power_limit_w = fields.optional_number("power_limit_w", kNotNegative);
  e.driver = fields.optional_text("driver");
  if (fields.has("libraries")) e.libraries = fields.texts_by_key("libraries");
  e.compiler = fields.optional_text("compiler");
  e.tool = fields.optional_text("tool");
  return record;
}

PointRecord read_point(JsonFields& fields) {
  PointRecord point;
  point.measurement = read_measurement(fields);
  point.evidence = evidence_of(optional_choice(fields, "evidence", evidence_words()));
  point.implementation = fields.optional_text("implementation");
  point.proxy = fields.optional_text("proxy");
  point.kernels = fields.optional_integer("kernels", {.min = 1, .max = 10'000}, 1);
  if (fields.has("checks")) point.checks = read_checks(fields);
  read_state(point, fields);
  if (point.evidence == spec::Evidence::measured) {
    read_measured(point, fields);
    point.key = fields.text("key");
  } else {
    point.source = fields.text("source");
    read_published_time(point, fields);
    if (fields.has("key")) point.key = fields.text("key");
  }
  const std::string key = key_of(point.measurement);
  if (fields.is_well() && !point.key.empty() && point.key != key) {
    fields.error("key", fmt::format("{} is not the key of this measurement", in_quotes(point.key)),
                 fmt::format("it is '{}'", key));
  }
  point.key = key;
  return point;
}

NotMeasuredRecord read_not_measured(JsonFields& fields) {
  return {.id = fields.text("id"),
          .key = fields.optional_text("key"),
          .environment = fields.optional_text("environment"),
          .reason = fields.text("reason")};
}

}  // namespace planewise::calibration
