#include "bpt_plr/run/run_log.hpp"

#include <system_error>
#include <utility>

#include "engine/io/file.hpp"
#include "engine/io/open_file.hpp"

namespace bptplr {

RunLog::RunLog(std::filesystem::path file) : file_(std::move(file)) {
  if (path_exists(file_)) text_ = read_file(file_);
  written_ = text_.size();
}

void RunLog::write() {
  std::error_code missing;
  const std::uintmax_t size = std::filesystem::file_size(file_, missing);
  if (missing ? written_ > 0 : size != written_) {
    write_file_atomically(file_, text_);
  } else if (!unwritten().empty()) {
    append_to_file(file_, unwritten());
  }
  written_ = text_.size();
}

}  // namespace bptplr
