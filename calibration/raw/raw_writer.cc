// Records as lines, and lines on the disk.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <iterator>
#include <system_error>

#include "base/check.h"
#include "calibration/raw/json_text.h"
#include "calibration/raw/json_value.h"
#include "calibration/raw/raw_file.h"
#include "calibration/raw/words.h"

namespace planewise::calibration {
namespace {

std::string to_json(const LayerSizes& sizes) {
  JsonText json('{');
  json.whole("hidden", sizes.hidden)
      .whole("expert_width", sizes.expert_width)
      .whole("vocabulary", sizes.vocabulary)
      .whole("experts", sizes.experts)
      .whole("experts_per_token", sizes.experts_per_token)
      .whole("expert_groups", sizes.expert_groups)
      .whole("groups_per_token", sizes.groups_per_token)
      .whole("local_experts", sizes.local_experts)
      .number("routing_scale", sizes.routing_scale)
      .whole("heads", sizes.heads)
      .whole("qk_nope_head_dim", sizes.qk_nope_head_dim)
      .whole("qk_rope_head_dim", sizes.qk_rope_head_dim)
      .whole("v_head_dim", sizes.v_head_dim)
      .whole("kv_lora_rank", sizes.kv_lora_rank);
  return json.close("}");
}

std::string to_json(const std::map<std::string, std::string>& texts) {
  JsonText json('{');
  for (const auto& [key, value] : texts) json.text(key, value);
  return json.close("}");
}

std::string to_json(const std::vector<CheckResult>& checks) {
  std::string list = "[";
  for (const CheckResult& check : checks) {
    JsonText json('{');
    json.known_text("reference", check.reference)
        .text("metric", check.metric)
        .number("value", check.value)
        .number("limit", check.limit);
    list += (list.size() > 1 ? "," : "") + json.close("}");
  }
  return list + "]";
}

void add_measurement(const Measurement& m, JsonText& json) {
  json.text("id", m.id).text("kernel", to_string(m.kernel));
  if (m.precision != spec::Precision::bf16) {
    json.text("precision", precision_words().at(static_cast<std::size_t>(m.precision)));
  }
  if (m.kernel == Kernel::product || m.kernel == Kernel::weight_gradient) {
    json.whole("groups", m.shape.groups)
        .whole("m", m.shape.m)
        .whole("n", m.shape.n)
        .whole("k", m.shape.k);
  }
  json.known_whole("rows", m.rows).known_whole("width", m.width);
  json.known_whole("sequence", m.sequence);
  if (m.spread != RowSpread::balanced) json.text("spread", to_string(m.spread));
  if (m.layout != RowLayout::contiguous) json.text("layout", to_string(m.layout));
  json.known_whole("sms", m.sms);
  if (m.beside != spec::Beside::alone) {
    json.text("beside", beside_words().at(static_cast<std::size_t>(m.beside)));
  }
  json.text("regime", to_string(m.regime));
  json.known_number("work_flop", m.work.in(flop(1)));
  json.known_number("traffic_bytes", m.traffic.in(bytes(1)));
  if (!m.parts.empty()) json.texts("parts", m.parts);
}

[[noreturn]] void throw_system_error(const std::string& what, const std::string& path) {
  throw std::system_error(errno, std::generic_category(), what + " " + path);
}

/// Writes all of `text` at the end.
void write_all(int file, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t written = ::write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw_system_error("cannot write to", path);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

/// What stands behind the last line feed of the file; it begins at `begin`.
struct LastLine {
  off_t begin = 0;
  std::string text{};
};

LastLine last_line_of(int file, const std::string& path) {
  constexpr off_t kBlock = 1 << 16;
  LastLine last{.begin = ::lseek(file, 0, SEEK_END)};
  if (last.begin < 0) throw_system_error("cannot seek in", path);
  while (last.begin > 0) {
    const off_t from = std::max<off_t>(0, last.begin - kBlock);
    std::string block(static_cast<std::size_t>(last.begin - from), '\0');
    for (std::size_t got = 0; got < block.size();) {
      const ssize_t read =
          ::pread(file, block.data() + got, block.size() - got, from + static_cast<off_t>(got));
      if (read < 0 && errno == EINTR) continue;
      if (read <= 0) throw_system_error("cannot read", path);
      got += static_cast<std::size_t>(read);
    }
    const std::size_t feed = block.rfind('\n');
    const std::size_t begin = feed == std::string::npos ? 0 : feed + 1;
    last.text.insert(0, block, begin, std::string::npos);
    last.begin = from + static_cast<off_t>(begin);
    if (feed != std::string::npos) break;
  }
  return last;
}

}  // namespace

std::string to_line(const EnvironmentRecord& record) {
  const Environment& e = record.environment;
  JsonText json('{');
  json.text("record", "environment").whole("schema", 1).text("fingerprint", record.fingerprint);
  json.text("created", record.created).text("model", record.model);
  json.raw("sizes", to_json(record.sizes));
  json.text("backend", e.backend)
      .text("gpu", e.gpu)
      .text("gpu_id", e.gpu_id)
      .text("compute_capability", e.compute_capability)
      .whole("sms", e.sms)
      .number("memory_bytes", e.memory.in(bytes(1)))
      .number("l2_bytes", e.l2.in(bytes(1)))
      .whole("clock_mhz_max", e.clock_mhz_max)
      .number("power_limit_w", e.power_limit_w)
      .text("driver", e.driver)
      .raw("libraries", to_json(e.libraries))
      .text("compiler", e.compiler)
      .text("tool", e.tool);
  return json.close("}\n");
}

std::string to_line(const PointRecord& record) {
  PW_CHECK(record.evidence == spec::Evidence::measured);  // nothing writes published tables
  JsonText json('{');
  json.text("record", "point").text("key", record.key);
  add_measurement(record.measurement, json);
  json.text("environment", record.environment).whole("repetition", record.repetition);
  json.known_text("source", record.source)
      .known_text("implementation", record.implementation)
      .known_text("proxy", record.proxy)
      .whole("kernels", record.kernels)
      .raw("checks", to_json(record.checks))
      .text("status", record.check_failed ? "failed" : "ok");
  if (!record.check_failed) json.microseconds_list("times_us", record.times);
  json.known_whole("clock_mhz_min", record.clock_mhz_min)
      .known_whole("clock_mhz_max", record.clock_mhz_max)
      .known_number("power_w", record.power_w)
      .known_whole("temperature_c", record.temperature_c);
  if (!record.throttle.empty()) json.texts("throttle", record.throttle);
  return json.close("}\n");
}

std::string to_line(const NotMeasuredRecord& record) {
  JsonText json('{');
  json.text("record", "not_measured")
      .text("id", record.id)
      .known_text("key", record.key)
      .known_text("environment", record.environment)
      .text("reason", record.reason);
  return json.close("}\n");
}

RawWriter::RawWriter(const std::string& path) : path_(path) {
  file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (file_ < 0) throw_system_error("cannot open", path);
  try {
    const LastLine last = last_line_of(file_, path);
    if (last.text.empty()) return;
    if (std::holds_alternative<JsonValue>(parse_json(last.text))) {
      append("\n");  // whole but for its end; read_raw took it
    } else if (::ftruncate(file_, last.begin) != 0) {
      throw_system_error("cannot remove the cut line at the end of", path);
    }
  } catch (...) {
    ::close(file_);
    throw;
  }
}

RawWriter::~RawWriter() { ::close(file_); }

void RawWriter::append(std::string_view line) {
  write_all(file_, line, path_);
  if (::fdatasync(file_) != 0) throw_system_error("cannot write to the disk", path_);
}

}  // namespace planewise::calibration
