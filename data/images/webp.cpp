// WebP by libwebp. Of an animation the first frame is read, on its canvas.
#include <webp/decode.h>
#include <webp/demux.h>

#include <algorithm>
#include <memory>
#include <new>

#include "data/images/codecs.hpp"

namespace bptplr {
namespace {

/// Passes on `height` rows of `channels` bytes a pixel, of which the first three are RGB.
void pass_on(const std::uint8_t* pixels, int height, int width, int channels, RowSink& sink) {
  for (int y = 0; y < height; ++y) {
    std::uint8_t* out = sink.row();
    for (int x = 0; x < width; ++x, pixels += channels) out = std::copy_n(pixels, 3, out);
    sink.done();
  }
}

/// Bytes of memory that libwebp takes for a pixel.
int held_bytes_per_pixel(const WebPBitstreamFeatures& about) {
  constexpr int kLossy = 1;
  if (about.has_animation != 0) return 12;  // two canvases, and a frame before its colours are made
  if (about.format != kLossy) return 3 + 4;
  return about.has_alpha != 0 ? 3 + 5 : 3;  // of transparency, the plane and its own decoder
}

std::string decode_first_frame(const WebPData& data, RowSink& sink) {
  WebPAnimDecoderOptions options;
  if (WebPAnimDecoderOptionsInit(&options) == 0) return "libwebp is of another version";
  const std::unique_ptr<WebPAnimDecoder, decltype(&WebPAnimDecoderDelete)> decoder(
      WebPAnimDecoderNew(&data, &options), WebPAnimDecoderDelete);
  WebPAnimInfo info;
  std::uint8_t* frame = nullptr;
  int time = 0;
  if (decoder == nullptr || WebPAnimDecoderGetInfo(decoder.get(), &info) == 0 ||
      WebPAnimDecoderGetNext(decoder.get(), &frame, &time) == 0) {
    return "its first frame is damaged or cut short";
  }
  const int height = static_cast<int>(info.canvas_height);
  const int width = static_cast<int>(info.canvas_width);
  sink.start(height, width);
  pass_on(frame, height, width, 4, sink);
  return "";
}

}  // namespace

std::string decode_webp(std::string_view bytes, RowSink& sink) {
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  WebPBitstreamFeatures about;
  if (WebPGetFeatures(data, bytes.size(), &about) != VP8_STATUS_OK) return "its header is damaged";
  std::string problem = size_problem(about.height, about.width);
  if (problem.empty()) {
    problem = memory_problem(about.height, about.width, held_bytes_per_pixel(about), bytes.size());
  }
  if (!problem.empty()) return problem;
  if (about.has_animation != 0) return decode_first_frame({data, bytes.size()}, sink);
  const int stride = 3 * about.width;
  const std::size_t size =
      static_cast<std::size_t>(stride) * static_cast<std::size_t>(about.height);
  // Not set to 0, so that a header that promises more than the file holds costs nothing.
  const std::unique_ptr<std::uint8_t[]> pixels(new std::uint8_t[size]);
  WebPDecoderConfig config;
  if (WebPInitDecoderConfig(&config) == 0) return "libwebp is of another version";
  config.output.colorspace = MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.u.RGBA = {pixels.get(), stride, size};
  const VP8StatusCode status = WebPDecode(data, bytes.size(), &config);
  if (status == VP8_STATUS_OUT_OF_MEMORY) throw std::bad_alloc();
  if (status != VP8_STATUS_OK) return "it is damaged or cut short";
  sink.start(about.height, about.width);
  pass_on(pixels.get(), about.height, about.width, 3, sink);
  return "";
}

}  // namespace bptplr
