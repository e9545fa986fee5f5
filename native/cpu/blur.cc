#include "cpu/gaussian.h"

namespace sess::cpu {

void blur(const Context& context, const BlurArgs& args) {
  const bool planar = args.images.layout == Layout::nchw;
  const PixelImages images{.data = args.images.data,
                           .count = planar ? 3 * args.rows : args.rows,
                           .size = args.images.size,
                           .samples = planar ? 1 : 3};
  gaussian(context, images, args.taps, args.sigma, args.out);
}

}  // namespace sess::cpu
