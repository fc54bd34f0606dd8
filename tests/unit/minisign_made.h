/* minisign_made: a pair of keys and signatures that minisign 0.11 has made.
 *
 * The key pair is of `minisign -G -W`; MADE_SIGNATURE is of `minisign -S`, MADE_LEGACY of
 * `minisign -S -l`, both for the file that MADE_DATA is.
 */
#ifndef MINISIGN_MADE_H
#define MINISIGN_MADE_H

#define MADE_ID "CA684EE123F1FAFC"
#define MADE_WORD "RWT8+vEj4U5oyu679h+Zyk/ZTlzCGR8TvsW88k/vheGdBMW/A5QfvJBW"
#define MADE_PUBLIC "untrusted comment: minisign public key " MADE_ID "\n" MADE_WORD "\n"

#define MADE_SECRET                                                                                \
  "untrusted comment: minisign encrypted secret key\n"                                             \
  "RWQAAEIyAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/PrxI+FOaMrgbYdAg0fn"   \
  "5BHSIGvuGosPKFiY5upn/XUoM9AJ3XyHrO679h+Zyk/ZTlzCGR8TvsW88k/vheGdBMW/A5QfvJBWAAAAAAAAAAAAAAAA"   \
  "AAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"

#define MADE_DATA "hello\n"

#define MADE_SIGNATURE                                                                             \
  "untrusted comment: signature from minisign secret key\n"                                        \
  "RUT8+vEj4U5oyipjCs2EUF3E/al54bHqPbfhJySsqRzyPIybE4Bk/Y962Fc3/nWhRKqDcKmkjFaRAqG2DlNuYv7skdyTvE" \
  "AL5Ao=\n"                                                                                       \
  "trusted comment: timestamp:1795385907\tfile:f\thashed\n"                                        \
  "Jnauj3k7I4xk1XNmCAGGqGmwiuYrajNZovffDo314OKl0aKht7pjzAvvWuD7Zcp+/kwWCtiBksK1EuwE/3QZBw==\n"

#define MADE_LEGACY                                                                                \
  "untrusted comment: signature from minisign secret key\n"                                        \
  "RWT8+vEj4U5oyidSYXgKtPq8rwVs1xwGgE7lc7wqOscgMIV2gg6RpUizZh41jQp7+4rXRPZdKUU2mlCbQkPi8lqCZ2QNLQ" \
  "KYlAU=\n"                                                                                       \
  "trusted comment: timestamp:1795385907\tfile:f\n"                                                \
  "W1Ek9NIkTw3WY1VwNqSxRFxjykMH/cvkfoniiPWETofyeX8zpTOLVscTauGIN729wTEYgyBqn8C8vgwDlInMDw==\n"

#endif
