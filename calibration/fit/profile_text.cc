#include "calibration/fit/profile_text.h"

#include <fmt/format.h>

#include <cmath>
#include <iterator>

#include "base/check.h"
#include "calibration/fit/exchanges_text.h"
#include "calibration/fit/yaml_text.h"
#include "calibration/raw/words.h"

namespace planewise::calibration {
namespace {

/// Lines of YAML, written one after the other.
class Lines {
 public:
  void line(int indent, const std::string& text) {
    fmt::format_to(std::back_inserter(text_), "{:{}}{}\n", "", indent, text);
  }
  void blank() { text_ += '\n'; }
  void comment(const std::string& text) { text_ += yaml_comment(text); }
  void add(const std::string& text) { text_ += text; }
  std::string take() { return std::move(text_); }

 private:
  std::string text_{};
};

std::string evidence_text(spec::Evidence evidence) {
  return std::string(spec::evidence_name(evidence));
}

std::string flow_list(const std::vector<std::string>& texts) {
  std::string list;
  for (const std::string& text : texts) list += (list.empty() ? "" : ", ") + yaml_text(text);
  return "[" + list + "]";
}

void add_text(int indent, const char* key, const std::string& text, Lines& lines) {
  if (!text.empty()) lines.line(indent, fmt::format("{}: {}", key, yaml_text(text)));
}

void add_count(int indent, const char* key, std::int64_t count, Lines& lines) {
  if (count != 0) lines.line(indent, fmt::format("{}: {}", key, count));
}

void add_provenance(const spec::Provenance& p, Lines& lines) {
  lines.blank();
  lines.line(0, "provenance:");
  lines.line(2, "tool: " + yaml_text(p.tool));
  add_text(2, "backend", p.backend, lines);
  add_text(2, "measured", p.measured, lines);
  add_text(2, "gpu_id", p.gpu_id, lines);
  add_text(2, "driver", p.driver, lines);
  std::string libraries;
  for (const auto& [name, version] : p.libraries) {
    if (version.empty()) continue;  // a profile has no empty texts
    libraries +=
        fmt::format("{}{}: {}", libraries.empty() ? "" : ", ", yaml_word(name), yaml_text(version));
  }
  if (!libraries.empty()) lines.line(2, "libraries: {" + libraries + "}");
  add_text(2, "compiler", p.compiler, lines);
  add_text(2, "raw_sha256", p.raw_sha256, lines);
  add_count(2, "points", p.points, lines);
  add_count(2, "samples", p.samples, lines);
  add_count(2, "clock_mhz_min", p.clock_mhz_min, lines);
  add_count(2, "clock_mhz_max", p.clock_mhz_max, lines);
  if (p.power_w != 0) lines.line(2, "power_w: " + yaml_number(p.power_w));
  if (!p.throttle.empty()) lines.line(2, "throttle: " + flow_list(p.throttle));
}

/// In MiB, as nvidia-smi has it, where that is a whole number: six digits of GB would not do.
std::string memory_text(Bytes memory) {
  const double mebibytes = memory.in(bytes(1024.0 * 1024));
  if (mebibytes >= 1 && mebibytes == std::floor(mebibytes)) {
    return fmt::format("{:.0f} MiB", mebibytes);
  }
  return yaml_value(memory);
}

void add_gpu(const spec::GpuSpec& gpu, Lines& lines) {
  lines.blank();
  lines.line(0, "gpu:");
  lines.line(2, "name: " + yaml_text(gpu.name));
  lines.line(2, fmt::format("sms: {}", gpu.sms));
  lines.line(2, "bf16_peak: " + yaml_value(gpu.bf16_peak));
  if (gpu.kernel_gap > Seconds{}) lines.line(2, "kernel_gap: " + yaml_value(gpu.kernel_gap));
  lines.line(2, "memory_rate: " + yaml_value(gpu.memory_rate));
  lines.line(2, "memory: " + memory_text(gpu.memory));
  lines.line(2, "source: " + yaml_text(gpu.source));
}

std::string shape_text(const spec::GemmShape& shape) {
  return fmt::format("groups: {}, m: {}, n: {}, k: {}", shape.groups, shape.m, shape.n, shape.k);
}

void add_gemm(const spec::OperatorCurve& curve, Lines& lines) {
  if (curve.in_step != 1 || !curve.in_step_source.empty()) {
    lines.line(4, fmt::format("in_step: {{share: {}, evidence: {}, source: {}}}",
                              yaml_percent(curve.in_step), evidence_text(curve.in_step_evidence),
                              yaml_text(curve.in_step_source)));
  }
  if (!curve.points.empty()) {
    lines.line(4, "points:");
    for (const spec::GemmPoint& point : curve.points) {
      lines.line(
          6, fmt::format("- {{{}, rate: {}}}", shape_text(point.shape), yaml_value(point.rate)));
    }
  }
  lines.line(4, "model:");
  lines.line(6, "flop_rate: " + yaml_value(curve.flop_rate));
  lines.line(6, "memory_rate: " + yaml_value(curve.memory_rate));
  lines.line(6, "overhead: " + yaml_value(curve.overhead));
  add_count(6, "tile", curve.tile, lines);
  lines.line(6, "evidence: " + evidence_text(curve.model_evidence));
}

void add_flop_rate(const spec::OperatorCurve& curve, Lines& lines) {
  if (!curve.sequences.empty()) {
    lines.line(4, "sequences:");
    for (const spec::SequencePoint& point : curve.sequences) {
      lines.line(
          6, fmt::format("- {{sequence: {}, rate: {}}}", point.sequence, yaml_value(point.rate)));
    }
    if (curve.flop_rate == curve.sequences.back().rate) return;
  }
  lines.line(4, "flop_rate: " + yaml_value(curve.flop_rate));
}

void add_byte_rate(const spec::OperatorCurve& curve, Lines& lines) {
  if (curve.overhead > Seconds{}) lines.line(4, "overhead: " + yaml_value(curve.overhead));
  lines.line(4, "memory_rate: " + yaml_value(curve.memory_rate));
  if (curve.pieces.empty()) return;
  lines.line(4, "pieces:");
  for (const spec::BytePiece& piece : curve.pieces) {
    lines.line(6,
               fmt::format("- {{from: {}, overhead: {}, memory_rate: {}}}", yaml_value(piece.from),
                           yaml_value(piece.overhead), yaml_value(piece.memory_rate)));
  }
}

void add_roofline(const spec::OperatorCurve& curve, Lines& lines) {
  lines.line(4, "flop_rate: " + yaml_value(curve.flop_rate));
  lines.line(4, "memory_rate: " + yaml_value(curve.memory_rate));
  lines.line(4, "overhead: " + yaml_value(curve.overhead));
}

void add_rates(const spec::OperatorCurve& curve, Lines& lines) {
  switch (curve.form) {
    case spec::OperatorForm::gemm:
      return add_gemm(curve, lines);
    case spec::OperatorForm::flop_rate:
      return add_flop_rate(curve, lines);
    case spec::OperatorForm::byte_rate:
      return add_byte_rate(curve, lines);
    case spec::OperatorForm::roofline:
      return add_roofline(curve, lines);
  }
}

std::string valid_text(const spec::OperatorCurve& curve) {
  const spec::ValidRange& valid = *curve.valid;
  switch (curve.form) {
    case spec::OperatorForm::gemm:
      return fmt::format("rows: [{:.0f}, {:.0f}]", valid.least, valid.most);
    case spec::OperatorForm::flop_rate:
      return fmt::format("sequence: [{:.0f}, {:.0f}]", valid.least, valid.most);
    case spec::OperatorForm::byte_rate:
    case spec::OperatorForm::roofline:
      return fmt::format("traffic: [{}, {}]", yaml_value(bytes(valid.least)),
                         yaml_value(bytes(valid.most)));
  }
  PW_UNREACHABLE("OperatorForm has four values");
}

void add_held_out(const std::optional<spec::HeldOutError>& error, Lines& lines) {
  if (!error) return;
  lines.line(4, fmt::format("held_out: {{points: {}, median: {}, p90: {}, most: {}}}",
                            error->points, yaml_percent(error->median), yaml_percent(error->p90),
                            yaml_percent(error->most)));
}

void add_operator(const spec::OperatorCurve& curve, Lines& lines) {
  lines.line(2, "- id: " + yaml_word(curve.id));
  lines.line(4, "form: " + form_name(curve.form));
  lines.line(4, fmt::format("sms: {}", curve.sms));
  lines.line(4, "beside: " + beside_name(curve.beside));
  lines.line(4, "evidence: " + evidence_text(curve.evidence));
  lines.line(4, "source: " + yaml_text(curve.source));
  add_text(4, "implementation", curve.implementation, lines);
  add_text(4, "proxy", curve.proxy, lines);
  if (curve.kernels != 1) lines.line(4, fmt::format("kernels: {}", curve.kernels));
  if (curve.check) {
    lines.line(4, fmt::format("check: {{metric: {}, value: {}, limit: {}}}",
                              yaml_text(curve.check->metric), yaml_number(curve.check->value),
                              yaml_number(curve.check->limit)));
  }
  if (curve.valid) lines.line(4, "valid: {" + valid_text(curve) + "}");
  add_held_out(curve.held_out, lines);
  add_rates(curve, lines);
}

void add_collective(const spec::CollectiveCurve& curve, Lines& lines) {
  lines.line(2, "- id: " + yaml_word(curve.id));
  if (curve.beside != spec::Beside::alone) lines.line(4, "beside: " + beside_name(curve.beside));
  if (curve.reach != spec::Reach::any) {
    lines.line(4, curve.reach == spec::Reach::node ? "reach: node" : "reach: network");
  }
  lines.line(4, "latency: " + yaml_value(curve.latency));
  lines.line(4, "rail_efficiency: " + yaml_number(curve.rail_efficiency));
  lines.line(4, "nvlink_efficiency: " + yaml_number(curve.nvlink_efficiency));
  add_count(4, "chunk_tokens", curve.chunk_tokens, lines);
  if (curve.message_time > Seconds{}) {
    lines.line(4, "message_time: " + yaml_value(curve.message_time));
  }
  if (!curve.pieces.empty()) lines.line(4, "pieces:");
  for (const spec::CollectivePiece& piece : curve.pieces) {
    lines.line(
        6, fmt::format("- {{from: {}, latency: {}, rail_efficiency: {}, "
                       "nvlink_efficiency: {}}}",
                       yaml_value(piece.from), yaml_value(piece.latency),
                       yaml_number(piece.rail_efficiency), yaml_number(piece.nvlink_efficiency)));
  }
  add_held_out(curve.held_out, lines);
  lines.line(4, "evidence: " + evidence_text(curve.evidence));
  lines.line(4, "source: " + yaml_text(curve.source));
}

void add_notes(const spec::ProfileSpec& profile, Lines& lines) {
  if (!profile.sums.empty()) {
    lines.blank();
    lines.line(0, "sums:");
  }
  for (const spec::SumCheck& sum : profile.sums) {
    lines.line(
        2, fmt::format("- {{id: {}, operators: {}, whole: {}, limit: {}}}", yaml_text(sum.id),
                       yaml_value(sum.operators), yaml_value(sum.whole), yaml_percent(sum.limit)));
  }
  if (profile.not_measured.empty()) return;
  lines.blank();
  lines.line(0, "not_measured:");
  for (const spec::NotMeasuredEntry& entry : profile.not_measured) {
    lines.line(
        2, fmt::format("- {{id: {}, reason: {}}}", yaml_word(entry.id), yaml_text(entry.reason)));
  }
}

}  // namespace

std::string profile_text(const spec::ProfileSpec& profile, const std::string& heading) {
  Lines lines;
  lines.comment(heading);
  lines.line(0, "planewise_calibration: 1");
  lines.line(0, "name: " + yaml_word(profile.name));
  lines.line(0, "source: " + yaml_text(profile.source));
  if (profile.provenance) add_provenance(*profile.provenance, lines);
  add_gpu(profile.gpu, lines);
  lines.blank();
  lines.line(0, profile.operators.empty() ? "operators: []" : "operators:");
  for (std::size_t i = 0; i < profile.operators.size(); ++i) {
    if (i > 0) lines.blank();
    add_operator(profile.operators[i], lines);
  }
  lines.blank();
  lines.line(0, profile.collectives.empty() ? "collectives: []" : "collectives:");
  for (const spec::CollectiveCurve& curve : profile.collectives) add_collective(curve, lines);
  lines.add(exchanges_text(profile));
  add_notes(profile, lines);
  return lines.take();
}

}  // namespace planewise::calibration
