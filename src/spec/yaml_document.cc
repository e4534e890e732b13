#include "spec/yaml_document.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

#include "base/text.h"
#include "spec/tree_builder.h"

namespace planewise::spec {
namespace {

std::string sha256_of(const std::string& text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  const int ok = EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr);
  if (ok != 1) throw std::runtime_error("EVP_Digest(sha256) failed");
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) hex += fmt::format("{:02x}", digest[i]);
  return hex;
}

/// The first byte of `text` that has no place in a text file.
std::optional<Diagnostic> find_binary_byte(const std::string& name, std::string_view text) {
  Position at{.line = 1, .column = 1};
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const std::size_t length = utf8_length(text, i);
    const bool ends_line = byte == '\n' || text.substr(i, 2) == "\r\n";
    const bool is_control = byte < 0x20 && byte != '\t' && !ends_line;
    if (length == 0 || is_control) {
      return Diagnostic{
          .file = name,
          .at = at,
          .message = fmt::format("byte 0x{:02x} is not text", byte),
          .hint = byte == '\r' ? "end lines with a line feed" : "a YAML file is UTF-8 text"};
    }
    at = byte == '\n' ? Position{at.line + 1, 1} : Position{at.line, at.column + 1};
    i += length;
  }
  return std::nullopt;
}

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

void set_text(Origin& origin, std::string_view text) {
  origin.text = text;
  origin.line_starts = {0};
  for (std::size_t i = text.find('\n'); i != std::string_view::npos; i = text.find('\n', i + 1)) {
    origin.line_starts.push_back(i + 1);
  }
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
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  Document document;
  document.origin.path = name;
  document.origin.sha256 = sha256_of(text);
  std::string_view content = text;
  if (content.starts_with(kByteOrderMark)) content.remove_prefix(kByteOrderMark.size());
  if (const auto binary = find_binary_byte(name, content)) {
    diagnostics.add(*binary);
    return document;
  }
  if (structure_marks(content) > kMaxValues) {
    diagnostics.add({.file = name,
                     .message = fmt::format("more than {} values", kMaxValues),
                     .hint = "long lists belong in a CSV file"});
    return document;
  }
  set_text(document.origin, content);
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
  const auto refuse = [&](const std::string& message, const std::string& hint = {}) {
    diagnostics.add({.file = path, .message = message, .hint = hint});
    Document document;
    document.origin.path = path;
    return document;
  };
  std::error_code failure;
  const auto status = std::filesystem::status(path, failure);
  if (status.type() == std::filesystem::file_type::not_found) return refuse("no such file");
  if (std::filesystem::is_directory(status)) return refuse("is a folder, not a YAML file");
  // Opening a pipe could wait for ever, and the hash of what was read once says nothing.
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    return refuse("is not a regular file but a pipe, socket or device",
                  "write what it holds to a file");
  }
  std::ifstream in(path, std::ios::binary);
  if (!in) return refuse("cannot be opened for reading");
  std::string text(kMaxFileBytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad()) return refuse("cannot be read");
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > kMaxFileBytes) {
    return refuse(fmt::format("larger than {} MB", kMaxFileBytes / 1'000'000),
                  "long lists belong in a CSV file");
  }
  return parse_document(path, text, diagnostics);
}

}  // namespace planewise::spec
