#include "calibration/raw/raw_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <utility>

#include "base/text.h"
#include "calibration/measure/fingerprint.h"
#include "calibration/raw/comm_record.h"
#include "calibration/raw/json_line.h"
#include "calibration/raw/point_record.h"
#include "calibration/raw/published_record.h"
#include "spec/text_file.h"

namespace planewise::calibration {
namespace {

constexpr spec::TextKind kRawFile{.what = "a raw file of JSON lines",
                                  .most_bytes = 1'000'000'000,
                                  .when_large = "fit the runs one by one and merge their profiles"};
constexpr int kSchema = 1;

bool is_blank(std::string_view line) {
  return line.find_first_not_of(" \t") == std::string_view::npos;
}

/// A file while it is read.
struct RawReading {
  const spec::Origin& origin;
  spec::Diagnostics& diagnostics;
  RawFile file{};
  std::map<std::pair<std::string, int>, int> lines{};  ///< Of keys and rounds.
  int environment_line = 0;
  bool is_readable = true;  ///< Not of another schema.
};

/// Whether the file is of the schema that we read; if not, nothing else in it can be judged.
bool read_schema(JsonFields& fields, RawReading& reading) {
  const bool is_there = fields.has("schema");
  const std::int64_t schema = fields.integer("schema");
  if (!is_there) return true;  // which finish() reports
  if (!fields.is_well() || schema == kSchema) return fields.is_well();
  fields.error("schema", fmt::format("schema {} is not one that this version reads", schema),
               schema > kSchema ? "take the newer planewise-calibrate that wrote it"
                                : fmt::format("it reads schema {}", kSchema));
  reading.is_readable = false;
  return false;
}

/// A run that went on with a newer tool may say once more where it runs; on another machine it may
/// not.
void add_environment(const EnvironmentRecord& record, JsonFields& fields, RawReading& reading) {
  std::vector<EnvironmentRecord>& before = reading.file.environments;
  if (before.empty()) {
    before.push_back(record);
    reading.environment_line = fields.line();
    return;
  }
  if (record.fingerprint == before.front().fingerprint) return;
  std::vector<std::string> differ =
      environment_differences(before.front().environment, record.environment);
  if (differ.empty()) differ.emplace_back("only the fingerprints differ");
  fields.error("fingerprint",
               fmt::format("measured on two machines or with two drivers; since line {} {}",
                           reading.environment_line, fmt::join(differ, "; ")),
               "make two files of it, each with its environment, and fit them one by one");
}

void check_environment(const PointRecord& point, JsonFields& fields, const RawReading& reading) {
  if (point.evidence != spec::Evidence::measured) return;
  if (reading.file.environments.empty()) {
    fields.error("environment", "a measured point before any environment",
                 "an 'environment' record comes first");
  } else if (point.environment != reading.file.environments.front().fingerprint) {
    fields.error(
        "environment",
        fmt::format("{} is not the environment of this file, {}", in_quotes(point.environment),
                    in_quotes(reading.file.environments.front().fingerprint)),
        "points of two machines cannot be in one file");
  }
}

void add_point(PointRecord point, JsonFields& fields, RawReading& reading) {
  check_environment(point, fields, reading);
  if (point.evidence == spec::Evidence::measured) {
    const auto [first, is_new] =
        reading.lines.try_emplace({point.key, point.repetition}, fields.line());
    if (!is_new) {
      fields.error("repetition",
                   fmt::format("round {} of this measurement is on line {} already",
                               point.repetition, first->second),
                   "keep one of the two");
    }
  }
  if (fields.is_well()) reading.file.points.push_back(std::move(point));
}

/// A run that went on may say it again; other ranks it may not have.
void add_cluster(const ClusterRecord& record, JsonFields& fields, RawReading& reading) {
  std::optional<ClusterRecord>& before = reading.file.cluster;
  if (before &&
      (before->ranks != record.ranks || before->ranks_per_node != record.ranks_per_node)) {
    fields.error("ranks",
                 fmt::format("{} ranks, {} a node, and before {}, {} a node", record.ranks,
                             record.ranks_per_node, before->ranks, before->ranks_per_node),
                 "points of two clusters cannot be in one file");
    return;
  }
  if (!before) before = record;
}

void add_comm_point(CommPointRecord record, JsonFields& fields, RawReading& reading) {
  if (reading.file.environments.empty() || !reading.file.cluster) {
    fields.error("record", "a comm_point before 'environment' and 'cluster'",
                 "write both records first");
    return;
  }
  if (record.environment != reading.file.environments.front().fingerprint) {
    fields.error(
        "environment",
        fmt::format("{} is not the environment of this file, {}", in_quotes(record.environment),
                    in_quotes(reading.file.environments.front().fingerprint)),
        "points of two machines cannot be in one file");
    return;
  }
  const auto [first, is_new] =
      reading.lines.try_emplace({record.key, record.repetition}, fields.line());
  if (!is_new) {
    fields.error("repetition",
                 fmt::format("round {} of this point is on line {} already", record.repetition,
                             first->second),
                 "keep one of the two");
    return;
  }
  reading.file.comm_points.push_back(std::move(record));
}

/// Whether `kind` is what ranks measured together.
bool read_comm_record(const std::string& kind, JsonFields& fields, RawReading& reading) {
  if (kind == "cluster") {
    const ClusterRecord record = read_cluster(fields);
    fields.finish();
    if (fields.is_well()) add_cluster(record, fields, reading);
    return true;
  }
  if (kind == "comm_point") {
    CommPointRecord record = read_comm_point(fields);
    fields.finish();
    if (fields.is_well()) add_comm_point(std::move(record), fields, reading);
    return true;
  }
  if (kind == "overlap") {
    OverlapRecord record = read_overlap(fields);
    fields.finish();
    if (fields.is_well()) reading.file.overlaps.push_back(std::move(record));
    return true;
  }
  return false;
}

void read_record(JsonFields& fields, RawReading& reading) {
  const std::string kind = fields.text("record");
  if (kind == "environment" || kind == "profile" || fields.has("schema")) {
    if (!read_schema(fields, reading)) {
      if (reading.is_readable) fields.finish();
      return;
    }
  }
  if (kind == "environment") {
    const EnvironmentRecord record = read_environment(fields);
    fields.finish();
    if (fields.is_well()) add_environment(record, fields, reading);
  } else if (kind == "point") {
    PointRecord point = read_point(fields);
    fields.finish();
    if (fields.is_well()) add_point(std::move(point), fields, reading);
  } else if (kind == "not_measured") {
    NotMeasuredRecord record = read_not_measured(fields);
    fields.finish();
    if (fields.is_well()) reading.file.not_measured.push_back(std::move(record));
  } else if (read_comm_record(kind, fields, reading)) {
    return;
  } else if (!kind.empty()) {
    // Where the kind is unknown, so are its keys.
    if (read_published_record(kind, fields, reading.file)) fields.finish();
  } else {
    fields.finish_missing();
  }
}

/// Whether the file was meant to be another one; then one mistake says so.
bool is_another_file(const spec::Origin& origin, spec::Diagnostics& diagnostics) {
  for (int line = 1; line <= static_cast<int>(origin.line_starts.size()); ++line) {
    const std::string_view text = origin.line(line);
    if (is_blank(text) || text.starts_with('#')) continue;
    if (text.starts_with("planewise_")) {
      const bool is_profile = text.starts_with("planewise_calibration");
      diagnostics.add(origin, {.line = line, .column = 1}, "",
                      is_profile ? "is a profile, not a raw file" : "is not a raw file",
                      is_profile ? "give the raw.jsonl that it was fitted from"
                                 : "give the raw.jsonl that planewise-calibrate run wrote");
      return true;
    }
    return false;
  }
  diagnostics.add({.file = origin.path,
                   .message = "is empty",
                   .hint = "planewise-calibrate run writes raw files"});
  return true;
}

/// Bytes of `text` after the last line feed, if they are the beginning of a record and no whole
/// one.
std::size_t cut_bytes(std::string_view text) {
  const std::size_t feed = text.rfind('\n');
  const std::string_view last = feed == std::string_view::npos ? text : text.substr(feed + 1);
  if (!last.starts_with('{')) return 0;
  return std::holds_alternative<JsonProblem>(parse_json(last)) ? last.size() : 0;
}

}  // namespace

RawFile read_raw(const std::string& path, spec::Diagnostics& diagnostics) {
  std::optional<std::string> text = spec::load_text(path, kRawFile, diagnostics);
  RawFile nothing{.path = path};
  if (!text) return nothing;
  const std::size_t cut = cut_bytes(*text);
  // The hash is of all bytes, as sha256sum prints it.
  const std::string hash = cut > 0 ? sha256(*text) : "";
  text->resize(text->size() - cut);
  spec::Origin origin;
  if (!spec::take_text(origin, kRawFile, {.name = path, .text = *text}, diagnostics)) {
    return nothing;
  }
  RawReading reading{.origin = origin, .diagnostics = diagnostics, .file = std::move(nothing)};
  reading.file.sha256 = cut > 0 ? hash : origin.sha256;
  reading.file.last_line_is_cut = cut > 0;
  if (text->empty() && cut > 0) return std::move(reading.file);
  if (is_another_file(origin, diagnostics)) return std::move(reading.file);
  const int lines = static_cast<int>(origin.line_starts.size());
  for (int line = 1; line <= lines && reading.is_readable; ++line) {
    if (is_blank(origin.line(line))) continue;
    if (auto fields = read_json_line(origin, line, diagnostics)) read_record(*fields, reading);
  }
  return std::move(reading.file);
}

}  // namespace planewise::calibration
