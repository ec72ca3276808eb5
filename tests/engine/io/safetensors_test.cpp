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

TEST(Safetensors, TensorsOverTheSameBytesAreBounded) {
  constexpr std::size_t kBytes = 1 << 20;
  const auto file = [](int tensors) {
    std::string header = "{";
    for (int i = 0; i < tensors; ++i) {
      header += (i > 0 ? ",\"t" : "\"t") + std::to_string(i) +
                "\":{\"dtype\":\"F32\",\"shape\":[262144],\"data_offsets\":[0,1048576]}";
    }
    header += "}";
    const std::uint64_t size = header.size();
    std::string bytes(sizeof size, '\0');
    std::memcpy(bytes.data(), &size, sizeof size);
    return bytes + header + std::string(kBytes, '\0');
  };
  EXPECT_EQ(parse_safetensors(file(2), "x").size(), 2U) << "tied weights";
  EXPECT_NE(message_of([&] {
              parse_safetensors(file(1000), "x.safetensors");
            }).find("x.safetensors takes far more memory or time than a file of its size should"),
            std::string::npos);
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
std::string safetensors_of(const std::string& entry,
                           const std::string& data = std::string(4, '\0')) {
  const std::string header = R"({"a":)" + entry + "}";
  std::string bytes(8, '\0');
  bytes[0] = static_cast<char>(header.size());
  return bytes + header + data;
}

/// Returns the four bytes as a tensor of that type and shape [count].
Tensor read_as(const std::string& type, int count, const std::string& data) {
  const std::string entry = fmt::format(R"({{"dtype":"{}","shape":[{}],"data_offsets":[0,{}]}})",
                                        type, count, data.size());
  return parse_safetensors(safetensors_of(entry, data), "some.safetensors").at("a");
}

TEST(Safetensors, OtherTypesBecomeThoseOfTensors) {
  using namespace std::string_literals;
  const Tensor half = read_as("F16", 2, "\x00\x3c\x00\xc5"s);
  const Tensor brain = read_as("BF16", 2, "\x80\x3f\xa0\xc0"s);
  for (const Tensor& tensor : {half, brain}) {
    ASSERT_EQ(tensor.dtype(), DType::kFloat32);
    EXPECT_EQ(tensor.data<float>()[0], 1.0F);
    EXPECT_EQ(tensor.data<float>()[1], -5.0F);
  }
  const auto first = [](const std::string& type, int count, const std::string& data) {
    const Tensor tensor = read_as(type, count, data);
    EXPECT_EQ(tensor.dtype(), DType::kInt64) << type;
    return tensor.data<std::int64_t>()[0];
  };
  EXPECT_EQ(first("I32", 1, "\xfe\xff\xff\xff"s), -2);
  EXPECT_EQ(first("U32", 1, "\xfe\xff\xff\xff"s), 4294967294);
  EXPECT_EQ(first("I16", 2, "\xfe\xff\x00\x00"s), -2);
  EXPECT_EQ(first("U16", 2, "\xfe\xff\x00\x00"s), 65534);
  EXPECT_EQ(first("I8", 4, "\xfe\xff\x00\x00"s), -2);
  const Tensor flags = read_as("BOOL", 4, "\x01\x00\x01\x01"s);
  ASSERT_EQ(flags.dtype(), DType::kUint8);
  EXPECT_EQ(flags.data<std::uint8_t>()[2], 1);
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
           {R"({"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]})", "has a type other than"},
           {R"({"dtype":4,"shape":[4],"data_offsets":[0,4]})", "has a type other than"},
           {R"({"dtype":"F16","shape":[1],"data_offsets":[0,4]})",
            "has a shape that does not match its bytes"}}) {
    EXPECT_NE(message(entry).find("tensor 'a' " + reason), std::string::npos)
        << entry << ": " << message(entry);
  }
}

}  // namespace
}  // namespace bptplr
