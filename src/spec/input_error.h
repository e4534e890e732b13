// Mistakes in the user's files: collected with their places, thrown once.
#pragma once

#include <cstddef>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace planewise::spec {

/// A place in a text file; both count from 1, 0 means the file as a whole.
struct Position {
  int line = 0;
  int column = 0;
};

/// One mistake in one input file.
struct Diagnostic {
  std::string file{};
  Position at{};              ///< The column counts characters.
  std::string key{};          ///< Path in the document, such as `fabric.link_rate`; may be empty.
  std::string message{};      ///< What is wrong, lower case, no full stop.
  std::string hint{};         ///< What to write instead; empty if there is no one answer.
  std::string source_line{};  ///< Ready to print; of a long line the part around `at`.
  int caret = 0;              ///< Characters of `source_line` before the place.
};

/// Renders `diagnostic` with its source line and a caret, as compilers do; ends with a newline.
/// Whatever the file holds, there is no control character in it but line feeds.
std::string render(const Diagnostic& diagnostic);

/// Every mistake found in the input files; thrown once, after all of them were read.
class InputError : public std::runtime_error {
 public:
  explicit InputError(std::vector<Diagnostic> diagnostics);
  const std::vector<Diagnostic>& diagnostics() const { return diagnostics_; }

 private:
  std::vector<Diagnostic> diagnostics_;
};

/// Where a checked value came from: lets later checks, between two files, point at a key.
struct Origin {
  std::string path{};    ///< As the user named it.
  std::string sha256{};  ///< Of the file's bytes, in hexadecimal.
  std::string text{};    ///< Without a byte order mark; empty if the file is not text.
  std::vector<std::size_t> line_starts{};       ///< Offsets into `text`.
  std::map<std::string, Position> positions{};  ///< By key path, such as `parallel.expert`.

  /// Line `number`, from 1, without its end; empty if there is no such line.
  std::string_view line(int number) const;
  /// A mistake at a known place, whose column counts bytes; `key` is only for the message.
  Diagnostic diagnose_at(Position at, const std::string& key, const std::string& message,
                         const std::string& hint = {}) const;
  /// A mistake at `key`, or at the nearest enclosing key that the file has.
  Diagnostic diagnose(const std::string& key, const std::string& message,
                      const std::string& hint = {}) const;
};

/// More mistakes than these are not kept: a hostile file can have one a byte.
inline constexpr std::size_t kMostDiagnostics = 100;

/// Where mistakes are collected while files are read and checked against each other.
class Diagnostics {
 public:
  /// Adds a mistake, unless the same one is there: several files may name one that is wrong.
  void add(Diagnostic diagnostic);
  /// The same at a place in a file (Origin::diagnose_at).
  void add(const Origin& origin, Position at, const std::string& key, const std::string& message,
           const std::string& hint = {});
  void add(const Diagnostics& others);
  bool empty() const { return list_.empty(); }
  const std::vector<Diagnostic>& list() const { return list_; }
  /// Throws InputError, sorted by file (in order of first mention) and place, if anything was
  /// added. If some were not kept, the last one says so.
  void throw_if_any() const;

 private:
  bool is_full();

  std::vector<Diagnostic> list_;
  bool some_left_out_ = false;
};

}  // namespace planewise::spec
