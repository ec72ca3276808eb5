#include "engine/io/safetensors.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>

#include "engine/error.hpp"
#include "engine/io/file.hpp"
#include "tests/message_of.hpp"
#include "tests/temporary_folder.hpp"

namespace bptplr {
namespace {

void write_plain(const std::filesystem::path& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

TEST(Safetensors, RoundTrip) {
  const TemporaryFolder folder;
  const std::string path = folder / "round_trip.safetensors";
  const TensorMap written = {{"f", Tensor::from(std::vector<float>{1.5F, -2.0F, NAN}, {3, 1})},
                             {"i", Tensor::from(std::vector<std::int64_t>{-5}, {})},
                             {"u", Tensor::from(std::vector<std::uint8_t>{1, 2, 255}, {3})},
                             {"d", Tensor::from(std::vector<double>{M_PI}, {1, 1})},
                             {"none", Tensor::zeros({0, 7})}};
  save_safetensors(path, written, {{"epoch", "3"}});
  Metadata metadata;
  const TensorMap read = load_safetensors(path, &metadata);
  EXPECT_EQ(metadata.at("epoch"), "3");
  ASSERT_EQ(read.size(), written.size());
  for (const auto& [name, tensor] : written) {
    const Tensor& other = read.at(name);
    EXPECT_EQ(other.shape(), tensor.shape());
    ASSERT_EQ(other.dtype(), tensor.dtype());
    EXPECT_EQ(std::memcmp(other.raw(), tensor.raw(),
                          static_cast<std::size_t>(tensor.numel()) * element_size(tensor.dtype())),
              0);
  }
}

TEST(Safetensors, DamagedFilesAreRefusedByName) {
  const TemporaryFolder folder;
  const std::string path = folder / "damaged.safetensors";
  save_safetensors(path, {{"a", Tensor::full({4, 4}, 1.0)}, {"b", Tensor::full({3}, 2.0)}});
  const std::string whole = read_file(path);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    write_plain(path, std::string_view(whole).substr(0, size));
    EXPECT_NE(message_of([&] { load_safetensors(path); }).find("damaged.safetensors"),
              std::string::npos)
        << size;
  }
  for (std::size_t i = 0; i < whole.size(); ++i) {
    for (const int bit : {0, 3, 7}) {
      std::string flipped = whole;
      flipped[i] = static_cast<char>(flipped[i] ^ (1 << bit));
      write_plain(path, flipped);
      message_of([&] { load_safetensors(path); });  // loads or throws Error: never crashes
    }
  }
  EXPECT_NE(message_of([&] { load_safetensors(folder / "missing"); }).find("missing"),
            std::string::npos);
}

/// A file of one tensor, "a", that the header describes so, and of four bytes of data.
std::string safetensors_of(const std::string& entry) {
  const std::string header = R"({"a":)" + entry + "}";
  std::string bytes(8, '\0');
  bytes[0] = static_cast<char>(header.size());
  return bytes + header + std::string(4, '\0');
}

TEST(Safetensors, HeadersThatDoNotFitAreRefusedWithTheReason) {
  const TemporaryFolder folder;
  const std::string path = folder / "file";
  const auto message = [&](const std::string& entry) {
    write_plain(path, safetensors_of(entry));
    return message_of([&] { load_safetensors(path); });
  };
  EXPECT_EQ(message(R"({"dtype":"F32","shape":[1],"data_offsets":[0,4]})"), "");
  for (const auto& [entry, reason] : std::vector<std::pair<std::string, std::string>>{
           {R"({"dtype":"F32","shape":[1]})", "has no dtype, shape and data_offsets"},
           {R"({"dtype":"F32","shape":[1],"data_offsets":[4]})", "has malformed data_offsets"},
           {R"({"dtype":"F32","shape":[1],"data_offsets":[-4,0]})", "has malformed data_offsets"},
           {R"({"dtype":"F32","shape":[1],"data_offsets":[4,8]})", "lies outside the file"},
           {R"({"dtype":"F32","shape":[1],"data_offsets":[4,0]})", "lies outside the file"},
           {R"({"dtype":"F32","shape":["1"],"data_offsets":[0,4]})", "has a malformed shape"},
           {R"({"dtype":"F32","shape":[1099511627775,1099511627775],"data_offsets":[0,4]})",
            "has an impossible shape"},
           {R"({"dtype":"F32","shape":[2],"data_offsets":[0,4]})",
            "has a shape that does not match its bytes"},
           {R"({"dtype":"F16","shape":[2],"data_offsets":[0,4]})", "has a type other than"}}) {
    EXPECT_NE(message(entry).find("tensor 'a' " + reason), std::string::npos)
        << entry << ": " << message(entry);
  }
}

}  // namespace
}  // namespace bptplr
