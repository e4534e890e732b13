#include "spec/text_file.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "base/text.h"

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
std::optional<Diagnostic> find_binary_byte(const std::string& name, std::string_view text,
                                           const TextKind& kind) {
  Position at{.line = 1, .column = 1};
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const std::size_t length = utf8_length(text, i);
    const bool ends_line = byte == '\n' || text.substr(i, 2) == "\r\n";
    const bool is_control = byte < 0x20 && byte != '\t' && !ends_line;
    if (length == 0 || is_control) {
      return Diagnostic{.file = name,
                        .at = at,
                        .message = fmt::format("byte 0x{:02x} is not text", byte),
                        .hint = byte == '\r' ? std::string("end lines with a line feed")
                                             : fmt::format("{} is UTF-8 text", kind.what)};
    }
    at = byte == '\n' ? Position{at.line + 1, 1} : Position{at.line, at.column + 1};
    i += length;
  }
  return std::nullopt;
}

void set_text(Origin& origin, std::string_view text) {
  origin.text = text;
  origin.line_starts = {0};
  for (std::size_t i = text.find('\n'); i != std::string_view::npos; i = text.find('\n', i + 1)) {
    origin.line_starts.push_back(i + 1);
  }
}

}  // namespace

std::optional<std::string> load_text(const std::string& path, const TextKind& kind,
                                     Diagnostics& diagnostics) {
  const auto refuse = [&](const std::string& message, std::string_view hint = {}) {
    diagnostics.add({.file = path, .message = message, .hint = std::string(hint)});
    return std::nullopt;
  };
  std::error_code failure;
  const auto status = std::filesystem::status(path, failure);
  if (status.type() == std::filesystem::file_type::not_found) return refuse("no such file");
  if (std::filesystem::is_directory(status)) {
    return refuse(fmt::format("is a folder, not {}", kind.what));
  }
  // Opening a pipe could wait for ever, and the hash of what was read once says nothing.
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    return refuse("is not a regular file but a pipe, socket or device",
                  "write what it holds to a file");
  }
  std::ifstream in(path, std::ios::binary);
  if (!in) return refuse("cannot be opened for reading");
  const auto size = std::filesystem::file_size(path, failure);
  const bool is_large = failure || size > kind.most_bytes;
  std::string text((is_large ? kind.most_bytes : static_cast<std::size_t>(size)) + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad()) return refuse("cannot be read");
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > kind.most_bytes) {
    return refuse(fmt::format("larger than {} MB", kind.most_bytes / 1'000'000), kind.when_large);
  }
  return text;
}

bool take_text(Origin& origin, const TextKind& kind, const NamedText& content,
               Diagnostics& diagnostics) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  origin.path = content.name;
  origin.sha256 = sha256_of(content.text);
  std::string_view text = content.text;
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  if (const auto binary = find_binary_byte(content.name, text, kind)) {
    diagnostics.add(*binary);
    return false;
  }
  set_text(origin, text);
  return true;
}

}  // namespace planewise::spec
