// SPDX-License-Identifier: Apache-2.0
//
// The page begins here.

import { render } from "preact";
import { Desk } from "./desk.ts";
import { Page } from "./page.tsx";
import "./style.css";

const desk = new Desk();
const place = document.getElementById("page");
if (place) render(<Page desk={desk} />, place);
void desk.open();
