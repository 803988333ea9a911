int x; // expect: C++
