// Where texts go: standard output, or a file that is complete or not there at all.
#pragma once

#include <string>
#include <string_view>

namespace planewise {

/// A file that is written piece by piece and complete or not there at all.
///
/// Standard output if `asked` is empty, `-` or /dev/stdout; straight into what is no regular file,
/// such as a pipe; else a temporary file beside it that finish() renames. All throw
/// std::system_error.
class OutputFile {
 public:
  explicit OutputFile(const std::string& asked);
  /// Without finish() the temporary file goes away.
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void write(std::string_view text);
  void finish();

 private:
  void flush();

  std::string path_;
  std::string temporary_;  ///< Empty if the text goes straight to where it is wanted.
  std::string buffer_;
  int file_ = -1;
  bool is_ours_ = false;  ///< To be closed.
};

/// Writes all of `text` to an OutputFile.
void write_output(const std::string& text, const std::string& asked);

}  // namespace planewise
