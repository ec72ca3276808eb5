#include "engine/io/safetensors.hpp"

#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/error.hpp"
#include "engine/io/file.hpp"
#include "engine/io/json.hpp"

namespace bptplr {
namespace {

using Json = nlohmann::json;

constexpr std::pair<const char*, DType> kTypes[] = {{"F32", DType::kFloat32},
                                                    {"F64", DType::kFloat64},
                                                    {"I64", DType::kInt64},
                                                    {"U8", DType::kUint8}};

const char* type_name(DType dtype) {
  for (const auto& [name, type] : kTypes) {
    if (type == dtype) return name;
  }
  return "";
}

/// Reads a tensor by its header entry (dtype, shape, offsets), checked against the bytes present.
Tensor read_tensor(const std::string& name, const Json& entry, std::string_view data,
                   const std::filesystem::path& path) {
  const auto malformed = [&](const char* what) {
    return Error("{}: tensor '{}' {}; the file is damaged or not a safetensors file", path.string(),
                 name, what);
  };
  if (!entry.is_object() || !entry.contains("dtype") || !entry.contains("shape") ||
      !entry.contains("data_offsets")) {
    throw malformed("has no dtype, shape and data_offsets");
  }
  const Json& offsets = entry["data_offsets"];
  const auto is_size = [](const Json& n) {
    return n.is_number_unsigned() && n.get<std::uint64_t>() < (std::uint64_t{1} << 40);
  };
  if (!offsets.is_array() || offsets.size() != 2 || !is_size(offsets[0]) || !is_size(offsets[1])) {
    throw malformed("has malformed data_offsets");
  }
  const auto begin = offsets[0].get<std::size_t>();
  const auto end = offsets[1].get<std::size_t>();
  if (begin > end || end > data.size()) throw malformed("lies outside the file");
  Shape shape;
  std::uint64_t count = 1;
  for (const Json& n : entry["shape"]) {
    if (!is_size(n)) throw malformed("has a malformed shape");
    shape.push_back(n.get<std::int64_t>());
    // A wrapped count is harmless: the check below accepts only that of the bytes present.
    if (__builtin_mul_overflow(count, n.get<std::uint64_t>(), &count)) {
      throw malformed("has an impossible shape");
    }
  }
  for (const auto& [type, dtype] : kTypes) {
    if (entry["dtype"] != type) continue;
    if (count > data.size() || count * element_size(dtype) != end - begin) {
      throw malformed("has a shape that does not match its bytes");
    }
    Tensor tensor = Tensor::empty(std::move(shape), dtype);
    if (end > begin) std::memcpy(tensor.raw(), data.data() + begin, end - begin);
    return tensor;
  }
  throw malformed("has a type other than F32, F64, I64 and U8");
}

}  // namespace

TensorMap load_safetensors(const std::filesystem::path& path, Metadata* metadata) {
  const std::string bytes = read_file(path);
  std::uint64_t header_size = 0;
  require(bytes.size() >= sizeof header_size,
          "{} is too short to be a safetensors file; it may have been cut off", path.string());
  std::memcpy(&header_size, bytes.data(), sizeof header_size);
  require(header_size <= bytes.size() - sizeof header_size,
          "{} is cut short or not a safetensors file; copy it again", path.string());
  const std::string_view text = std::string_view(bytes).substr(sizeof header_size, header_size);
  const std::string_view data = std::string_view(bytes).substr(sizeof header_size + header_size);
  const Json header = parse_json_or_none(text);
  require(header.is_object(), "{} is not a safetensors file: its header is no JSON object",
          path.string());
  TensorMap tensors;
  for (const auto& [name, entry] : header.items()) {
    if (name != "__metadata__") {
      tensors.emplace(name, read_tensor(name, entry, data, path));
    } else if (metadata != nullptr && entry.is_object()) {
      for (const auto& [key, value] : entry.items()) {
        if (value.is_string()) (*metadata)[key] = value.get<std::string>();
      }
    }
  }
  return tensors;
}

void save_safetensors(const std::filesystem::path& path, const TensorMap& tensors,
                      const Metadata& metadata) {
  Json header = Json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::size_t offset = 0;
  for (const auto& [name, tensor] : tensors) {
    const std::size_t size =
        static_cast<std::size_t>(tensor.numel()) * element_size(tensor.dtype());
    header[name] = {{"dtype", type_name(tensor.dtype())},
                    {"shape", tensor.shape()},
                    {"data_offsets", {offset, offset + size}}};
    offset += size;
  }
  std::string text = to_text(header);
  text.resize((text.size() + 7) / 8 * 8, ' ');  // elements start on an 8-byte boundary
  const std::uint64_t header_size = text.size();
  std::string bytes(sizeof header_size, '\0');
  std::memcpy(bytes.data(), &header_size, sizeof header_size);
  bytes += text;
  bytes.reserve(bytes.size() + offset);
  for (const auto& [name, tensor] : tensors) {
    bytes.append(static_cast<const char*>(tensor.raw()),
                 static_cast<std::size_t>(tensor.numel()) * element_size(tensor.dtype()));
  }
  write_file_atomically(path, bytes);
}

}  // namespace bptplr
