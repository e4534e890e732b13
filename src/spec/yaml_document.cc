#include "spec/yaml_document.h"

#include <fmt/format.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <array>
#include <optional>
#include <sstream>

#include "spec/text_file.h"
#include "spec/tree_builder.h"

namespace planewise::spec {
namespace {

constexpr TextKind kYaml{.what = "a YAML file",
                         .most_bytes = kMaxFileBytes,
                         .when_large = "long lists belong in a CSV file"};

/// Characters that start a value, with a few that do not. yaml-cpp keeps 230 bytes a token of a
/// list in brackets before it hands out the first, so the count of values comes too late to bound
/// its memory.
std::size_t structure_marks(std::string_view text) {
  std::size_t marks = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool in_brackets = c == '[' || c == '{' || c == ',';
    const bool before_blank = (c == ':' || c == '-' || c == '?') &&
                              (i + 1 == text.size() || text[i + 1] == ' ' || text[i + 1] == '\n');
    marks += in_brackets || before_blank ? 1 : 0;
  }
  return marks;
}

/// A mistake that yaml-cpp has words for, and what to do about it.
struct Slip {
  std::string_view words;
  std::string_view message;  ///< Empty if yaml-cpp's words will do.
  std::string_view hint;
};
constexpr std::array kSlips = {
    Slip{"illegal map value", "", "check the indentation; a text that holds ': ' needs quotes"},
    Slip{"end of map not found", "", "check the indentation, and that every key has a ':'"},
    Slip{"end of sequence not found", "", "check the indentation, and that every item has a '- '"},
    Slip{"end of map flow not found", "'{' without its '}'", "close it with '}'"},
    Slip{"end of sequence flow not found", "'[' without its ']'", "close it with ']'"},
};

Diagnostic not_yaml(const YAML::Exception& e, const Origin& origin, const TreeBuilder& builder) {
  const auto* slip = std::find_if(kSlips.begin(), kSlips.end(),
                                  [&](const Slip& known) { return e.msg == known.words; });
  const bool is_known = slip != kSlips.end();
  const bool never_ends = is_known && !slip->message.empty();
  const Position at = never_ends ? builder.innermost()
                                 : Position{.line = e.mark.line + 1, .column = e.mark.column + 1};
  const std::string_view line = origin.line(at.line);
  const std::string_view indent = line.substr(0, line.find_first_not_of(" \t"));
  const bool has_tab = indent.find('\t') != std::string_view::npos;
  const std::string hint = has_tab    ? "indent with spaces, not with tabs"
                           : is_known ? std::string(slip->hint)
                                      : "";
  return origin.diagnose_at(at, "",
                            "not YAML: " + (never_ends ? std::string(slip->message) : e.msg), hint);
}

/// Returns whether yaml-cpp got through; if not, the reason is in `diagnostics` and there is no
/// tree.
bool parse(Document& document, Diagnostics& diagnostics) {
  const Origin& origin = document.origin;
  std::istringstream in(origin.text);
  TreeBuilder builder(document, diagnostics);
  try {
    YAML::Parser parser(in);
    if (parser.HandleNextDocument(builder)) {
      parser.HandleNextDocument(builder);  // ParsingStopped if there is a second one
    }
    return true;
  } catch (const ParsingStopped& e) {
    diagnostics.add(origin, e.at, "", e.what());
  } catch (const YAML::Exception& e) {
    diagnostics.add(not_yaml(e, origin, builder));
  }
  document.root = -1;
  return false;
}

}  // namespace

Document parse_document(const std::string& name, const std::string& text,
                        Diagnostics& diagnostics) {
  Document document;
  if (!take_text(document.origin, kYaml, {.name = name, .text = text}, diagnostics)) {
    return document;
  }
  if (structure_marks(document.origin.text) > kMaxValues) {
    document.origin.text.clear();
    document.origin.line_starts.clear();
    diagnostics.add({.file = name,
                     .message = fmt::format("more than {} values", kMaxValues),
                     .hint = std::string(kYaml.when_large)});
    return document;
  }
  if (!parse(document, diagnostics)) return document;
  const bool says_nothing =
      document.root < 0 ||
      document.nodes[static_cast<std::size_t>(document.root)].kind == NodeKind::null;
  if (says_nothing) {
    document.root = -1;
    diagnostics.add({.file = name, .message = "there is nothing in the file"});
  }
  return document;
}

Document load_document(const std::string& path, Diagnostics& diagnostics) {
  const std::optional<std::string> text = load_text(path, kYaml, diagnostics);
  if (text) return parse_document(path, *text, diagnostics);
  Document document;
  document.origin.path = path;
  return document;
}

}  // namespace planewise::spec
