#include "spec/input_error.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "base/check.h"
#include "base/text.h"

namespace planewise::spec {
namespace {

// In bytes: a longer line is cut to this much on either side of the place.
constexpr std::size_t kLongestLine = 160;
constexpr std::size_t kShownAround = 60;

/// What to print of a line, and where the caret goes.
struct Excerpt {
  std::string text;
  int caret = 0;
};

std::string shown(std::string_view part) {
  std::string blanks_only(part);
  std::replace(blanks_only.begin(), blanks_only.end(), '\t', ' ');
  return printable(blanks_only);
}

/// The part of `line` around byte `at`, which is in it or at its end, cut between characters.
Excerpt excerpt(std::string_view line, std::size_t at) {
  const auto starts_character = [&](std::size_t i) {
    return (static_cast<unsigned char>(line[i]) & 0xC0U) != 0x80U;
  };
  const bool is_long = line.size() > kLongestLine;
  std::size_t begin = is_long && at > kShownAround ? at - kShownAround : 0;
  std::size_t end = is_long ? std::min(at + kShownAround, line.size()) : line.size();
  while (begin < at && !starts_character(begin)) ++begin;
  while (end < line.size() && !starts_character(end)) ++end;
  const std::string before = (begin > 0 ? "..." : "") + shown(line.substr(begin, at - begin));
  const std::string after = shown(line.substr(at, end - at)) + (end < line.size() ? "..." : "");
  return {.text = before + after, .caret = static_cast<int>(character_count(before))};
}

}  // namespace

std::string render(const Diagnostic& d) {
  std::string out = printable(d.file);
  if (d.at.line > 0) out += fmt::format(":{}:{}", d.at.line, d.at.column);
  out += d.key.empty() ? fmt::format(": error: {}\n", printable(d.message))
                       : fmt::format(": error: {}: {}\n", printable(d.key), printable(d.message));
  if (d.at.line > 0 && !d.source_line.empty()) {
    const std::string margin = fmt::format("{:>4}", d.at.line);
    out += fmt::format("{} | {}\n{:{}} | {:{}}^\n", margin, printable(d.source_line), "",
                       margin.size(), "", d.caret);
  }
  if (!d.hint.empty()) out += fmt::format("hint: {}\n", printable(d.hint));
  return out;
}

InputError::InputError(std::vector<Diagnostic> diagnostics)
    : std::runtime_error(diagnostics.empty() ? "no errors" : render(diagnostics.front())),
      diagnostics_(std::move(diagnostics)) {}

void Diagnostics::add(Diagnostic diagnostic) {
  const auto same = [&](const Diagnostic& d) {
    const auto all = [](const Diagnostic& x) {
      return std::tie(x.file, x.at.line, x.at.column, x.key, x.message);
    };
    return all(d) == all(diagnostic);
  };
  if (std::any_of(list_.begin(), list_.end(), same)) return;
  if (!is_full()) list_.push_back(std::move(diagnostic));
}

void Diagnostics::add(const Origin& origin, Position at, const std::string& key,
                      const std::string& message, const std::string& hint) {
  // Asked first: to cut a line of megabytes to size for a mistake that is not kept would cost much.
  if (!is_full()) add(origin.diagnose_at(at, key, message, hint));
}

void Diagnostics::add(const Diagnostics& others) {
  for (const Diagnostic& diagnostic : others.list_) add(diagnostic);
  some_left_out_ = some_left_out_ || others.some_left_out_;
}

bool Diagnostics::is_full() {
  const bool full = list_.size() >= kMostDiagnostics;
  some_left_out_ = some_left_out_ || full;
  return full;
}

void Diagnostics::throw_if_any() const {
  if (list_.empty()) return;
  std::vector<std::string> files;
  for (const Diagnostic& d : list_) {
    if (std::find(files.begin(), files.end(), d.file) == files.end()) files.push_back(d.file);
  }
  const auto place = [&](const Diagnostic& d) {
    const auto file = std::find(files.begin(), files.end(), d.file) - files.begin();
    return std::make_tuple(file, d.at.line, d.at.column);
  };
  std::vector<Diagnostic> sorted = list_;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&](const Diagnostic& a, const Diagnostic& b) { return place(a) < place(b); });
  if (some_left_out_) {
    sorted.push_back({.file = files.back(),
                      .message = fmt::format("and more; the first {} are shown", list_.size())});
  }
  throw InputError(std::move(sorted));
}

std::string_view Origin::line(int number) const {
  const auto index = static_cast<std::size_t>(number) - 1;
  if (number < 1 || index >= line_starts.size()) return {};
  const std::size_t next =
      index + 1 < line_starts.size() ? line_starts[index + 1] : text.size() + 1;
  std::string_view whole(text);
  whole = whole.substr(line_starts[index], next - 1 - line_starts[index]);
  if (whole.ends_with('\r')) whole.remove_suffix(1);
  return whole;
}

Diagnostic Origin::diagnose_at(Position at, const std::string& key, const std::string& message,
                               const std::string& hint) const {
  const std::string_view whole = line(at.line);
  // yaml-cpp counts on behind the end of a file that breaks off.
  const auto before = std::min(static_cast<std::size_t>(std::max(0, at.column - 1)), whole.size());
  Excerpt part = excerpt(whole, before);
  if (at.column > 0) at.column = static_cast<int>(character_count(whole.substr(0, before))) + 1;
  return {.file = path,
          .at = at,
          .key = key,
          .message = message,
          .hint = hint,
          .source_line = std::move(part.text),
          .caret = part.caret};
}

Diagnostic Origin::diagnose(const std::string& key, const std::string& message,
                            const std::string& hint) const {
  for (std::string enclosing = key; !enclosing.empty();) {
    if (const auto found = positions.find(enclosing); found != positions.end()) {
      return diagnose_at(found->second, key, message, hint);
    }
    const std::size_t cut = enclosing.find_last_of(".[");
    enclosing.resize(cut == std::string::npos ? 0 : cut);
  }
  return diagnose_at({}, key, message, hint);
}

}  // namespace planewise::spec
