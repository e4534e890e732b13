#include "calibration/raw/comm_record.h"

#include <fmt/format.h>

#include "base/text.h"
#include "calibration/raw/json_text.h"
#include "calibration/raw/raw_file.h"

namespace planewise::calibration {
namespace {

constexpr spec::IntegerRange kRanks{.min = 1, .max = 1'000'000};
constexpr spec::IntegerRange kCount{.min = 0, .max = 1'000'000'000};
constexpr spec::NumberRange kNotNegative{.min = 0};

TokenLoad read_load(JsonFields& fields) {
  TokenLoad load;
  load.tokens = fields.integer("tokens", {.min = 1, .max = 1'000'000'000});
  load.hidden = fields.integer("hidden", {.min = 1, .max = 1'000'000});
  load.experts = fields.small_integer("experts", kRanks);
  load.experts_per_token = fields.small_integer("experts_per_token", kRanks);
  load.nodes_per_token = fields.optional_integer("nodes_per_token", kCount);
  load.bytes_per_token = bytes(fields.positive("bytes_per_token"));
  return load;
}

CommPoint read_what(JsonFields& fields) {
  CommPoint point;
  point.operation = static_cast<Operation>(fields.choice("operation", spec::operation_words()));
  if (fields.has("algorithm")) {
    point.algorithm = static_cast<ExchangeAlgorithm>(
        fields.choice("algorithm", spec::exchange_algorithm_words()));
  }
  point.group = static_cast<GroupKind>(fields.choice("group", spec::group_words()));
  point.cadence = static_cast<Cadence>(fields.choice("cadence", spec::cadence_words()));
  point.ranks = fields.small_integer("ranks", kRanks);
  point.nodes = fields.optional_integer("nodes", kRanks, 1);
  point.groups = fields.optional_integer("groups", kRanks, 1);
  if (carries_tokens(point.operation)) {
    point.load = read_load(fields);
  } else {
    point.size = bytes(fields.positive("size_bytes"));
    if (fields.has("datatype")) point.datatype = fields.text("datatype");
  }
  if (fields.has("members")) {
    for (const double member : fields.numbers("members", kNotNegative)) {
      point.members.push_back(static_cast<int>(member));
    }
  }
  return point;
}

void add_point(const CommPoint& point, JsonText& json) {
  json.text("operation", to_string(point.operation));
  if (point.algorithm != ExchangeAlgorithm::library) {
    json.text("algorithm", to_string(point.algorithm));
  }
  json.text("group", to_string(point.group))
      .text("cadence", to_string(point.cadence))
      .whole("ranks", point.ranks)
      .whole("nodes", point.nodes)
      .whole("groups", point.groups);
  if (carries_tokens(point.operation)) {
    const TokenLoad& load = point.load;
    json.whole("tokens", load.tokens)
        .whole("hidden", load.hidden)
        .whole("experts", load.experts)
        .whole("experts_per_token", load.experts_per_token)
        .known_whole("nodes_per_token", load.nodes_per_token)
        .number("bytes_per_token", load.bytes_per_token.in(bytes(1)));
  } else {
    json.number("size_bytes", point.size.in(bytes(1))).text("datatype", point.datatype);
  }
  if (!point.members.empty()) json.wholes("members", point.members);
}

}  // namespace

ClusterRecord read_cluster(JsonFields& fields) {
  ClusterRecord record;
  record.ranks = fields.small_integer("ranks", kRanks);
  record.ranks_per_node = fields.small_integer("ranks_per_node", kRanks);
  record.launcher = fields.text("launcher");
  record.transport = fields.text("transport");
  if (fields.has("hosts")) record.hosts = fields.texts("hosts");
  record.rail = gigabytes_per_second(fields.optional_number("rail_gb_per_s", kNotNegative));
  record.rail_source = fields.optional_text("rail_source");
  record.nvlink = gigabytes_per_second(fields.optional_number("nvlink_gb_per_s", kNotNegative));
  record.nvlink_source = fields.optional_text("nvlink_source");
  if (fields.is_well() && record.ranks % record.ranks_per_node != 0) {
    fields.error(
        "ranks_per_node",
        fmt::format("{} ranks do not fill nodes of {}", record.ranks, record.ranks_per_node),
        "every node has as many");
  }
  return record;
}

CommPointRecord read_comm_point(JsonFields& fields) {
  CommPointRecord record;
  record.point = read_what(fields);
  record.key = fields.text("key");
  record.environment = fields.text("environment");
  record.repetition = fields.small_integer("repetition", {.min = 1, .max = 1'000'000});
  record.source = fields.optional_text("source");
  record.implementation = fields.optional_text("implementation");
  record.wrong = fields.integer("wrong", {.min = -1});
  record.check_failed = fields.choice("status", {"ok", "failed"}) == 1;
  if (record.check_failed) {
    if (fields.has("times_us")) {
      fields.error("times_us", "a point whose check failed has times",
                   "what arrived wrong was not timed; remove 'times_us' or the record");
    }
  } else {
    for (const double time : fields.positives("times_us")) {
      record.times.push_back(microseconds(time));
    }
  }
  record.skew = microseconds(fields.optional_number("skew_us", kNotNegative));
  record.logical = bytes(fields.optional_number("logical_bytes", kNotNegative));
  record.wire = bytes(fields.optional_number("wire_bytes", kNotNegative));
  record.wire_rail = bytes(fields.optional_number("wire_rail_bytes", kNotNegative));
  const std::string key = key_of(record.point);
  if (fields.is_well() && record.key != key) {
    fields.error("key", fmt::format("{} is not the key of this point", in_quotes(record.key)),
                 fmt::format("it is '{}'", key));
  }
  return record;
}

OverlapRecord read_overlap(JsonFields& fields) {
  OverlapRecord record{.compute = fields.text("compute")};
  record.operation = static_cast<Operation>(fields.choice("operation", spec::operation_words()));
  record.algorithm =
      static_cast<ExchangeAlgorithm>(fields.choice("algorithm", spec::exchange_algorithm_words()));
  record.tokens = fields.integer("tokens", {.min = 1});
  record.ranks = fields.small_integer("ranks", kRanks);
  record.environment = fields.text("environment");
  record.repetition = fields.small_integer("repetition", {.min = 1, .max = 1'000'000});
  record.compute_alone = microseconds(fields.positive("compute_alone_us"));
  record.compute_beside = microseconds(fields.positive("compute_beside_us"));
  record.communication_alone = microseconds(fields.positive("communication_alone_us"));
  record.communication_beside = microseconds(fields.positive("communication_beside_us"));
  return record;
}

std::string to_line(const OverlapRecord& record) {
  JsonText json('{');
  const auto us = [](Seconds time) { return time.in(microseconds(1)); };
  json.text("record", "overlap")
      .text("compute", record.compute)
      .text("operation", to_string(record.operation))
      .text("algorithm", to_string(record.algorithm))
      .whole("tokens", record.tokens)
      .whole("ranks", record.ranks)
      .text("environment", record.environment)
      .whole("repetition", record.repetition)
      .number("compute_alone_us", us(record.compute_alone))
      .number("compute_beside_us", us(record.compute_beside))
      .number("communication_alone_us", us(record.communication_alone))
      .number("communication_beside_us", us(record.communication_beside));
  return json.close("}\n");
}

std::string to_line(const ClusterRecord& record) {
  JsonText json('{');
  json.text("record", "cluster")
      .whole("ranks", record.ranks)
      .whole("ranks_per_node", record.ranks_per_node)
      .text("launcher", record.launcher)
      .text("transport", record.transport)
      .texts("hosts", record.hosts)
      .known_number("rail_gb_per_s", record.rail.in(gigabytes_per_second(1)))
      .known_text("rail_source", record.rail_source)
      .known_number("nvlink_gb_per_s", record.nvlink.in(gigabytes_per_second(1)))
      .known_text("nvlink_source", record.nvlink_source);
  return json.close("}\n");
}

std::string to_line(const CommPointRecord& record) {
  JsonText json('{');
  json.text("record", "comm_point").text("key", record.key);
  add_point(record.point, json);
  json.text("environment", record.environment)
      .whole("repetition", record.repetition)
      .known_text("source", record.source)
      .known_text("implementation", record.implementation)
      .whole("wrong", record.wrong)
      .text("status", record.check_failed ? "failed" : "ok");
  if (!record.check_failed) json.microseconds_list("times_us", record.times);
  json.known_number("skew_us", record.skew.in(microseconds(1)))
      .known_number("logical_bytes", record.logical.in(bytes(1)))
      .known_number("wire_bytes", record.wire.in(bytes(1)))
      .known_number("wire_rail_bytes", record.wire_rail.in(bytes(1)));
  return json.close("}\n");
}

}  // namespace planewise::calibration
