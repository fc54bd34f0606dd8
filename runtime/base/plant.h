/* plant: bugs that are put in on purpose, to show that the simulator would find them.
 *
 * TH_PLANT(n) is 0, whatever n is, but in the program sim_planted (tests/sim): there it is true for
 * the one bug that its option --plant names. tests/sim/sim_planted.h lists them.
 *
 * Threads: any; pure. */
#ifndef TH_BASE_PLANT_H
#define TH_BASE_PLANT_H

#ifdef TH_PLANTED
extern int th_planted;
#define TH_PLANT(n) (th_planted == (n))
#else
#define TH_PLANT(n) 0
#endif

#endif
