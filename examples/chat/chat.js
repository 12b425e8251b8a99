"use strict";

// A chat over the vendor's Web SDK: sendData goes to authgate, which delivers to others what its [[signals]] allow.
// What arrives is shown as text and nothing else: whatever somebody writes, no browser reads it as a page.

const page = (id) => document.getElementById(id);
let session = null;
let room = "";
let me = null; // {user, id} as authgate has it
const members = new Map(); // id -> user

page("login").addEventListener("submit", (event) => {
  event.preventDefault();
  connect();
});
page("say").addEventListener("submit", (event) => {
  event.preventDefault();
  say(page("text").value);
});
page("leave").addEventListener("click", () => session && session.disconnect());

function credentials() {
  const token = page("token").value.trim();
  return token ? { token } : { login: page("user").value, password: page("password").value };
}

async function connect() {
  if (session) return;
  const { SESSION_STATUS } = Flashphoner.constants;
  room = page("room").value;
  status("Connecting");
  await Flashphoner.init({});
  const own = Flashphoner.createSession({
    urlServer: page("server").value,
    appKey: page("app").value,
    custom: credentials(),
  });
  session = own;
  let established = false;
  let refusal = "";
  own.on(SESSION_STATUS.ESTABLISHED, () => {
    established = true;
    page("password").value = "";
    page("login").hidden = true;
    page("chat").hidden = false;
    status("Connected");
    send({ join: room });
  });
  own.on(SESSION_STATUS.APP_DATA, (data) => arrived(data.payload));
  own.on(SESSION_STATUS.WARN, (warning) => {
    refusal = (warning && warning.info) || "";
  });
  const over = () => {
    if (session !== own) return;
    session = null;
    me = null;
    members.clear();
    showMembers();
    page("chat").hidden = true;
    page("login").hidden = false;
    status(established ? "Disconnected" : `Not let in${refusal ? `: ${refusal}` : ""}`);
  };
  own.on(SESSION_STATUS.DISCONNECTED, over);
  own.on(SESSION_STATUS.FAILED, over);
}

// ACCEPTED means that authgate has judged it, not that anybody has got it.
async function send(payload) {
  try {
    await session.sendData(payload);
    return true;
  } catch (failure) {
    note(`Not sent: ${(failure && failure.info) || "no answer"}`);
    return false;
  }
}

async function say(text) {
  if (text.trim() && (await send({ to: { room }, body: { text } }))) page("text").value = "";
}

function arrived(payload) {
  if (!payload || typeof payload !== "object" || !payload.from) return;
  if (payload.event) return happened(payload.event);
  const { user, server } = payload.from;
  const body = payload.body;
  const text = body && typeof body === "object" && typeof body.text === "string" ? body.text : JSON.stringify(body);
  // Whoever wrote it, says authgate: a body that claims to be from somebody else is only a text.
  line(server ? "server" : "message", server ? "Server" : user || "somebody", text);
}

function happened(event) {
  if (event.members) {
    members.clear();
    for (const each of event.members) members.set(each.id, each.user);
    me = event.you;
  } else if (event.joined) {
    members.set(event.joined.id, event.joined.user);
    note(`${event.joined.user || "somebody"} has come`);
  } else if (event.left) {
    members.delete(event.left.id);
    note(`${event.left.user || "somebody"} has left`);
  }
  showMembers();
}

function showMembers() {
  const list = page("members");
  list.replaceChildren();
  for (const [id, user] of members) {
    const item = document.createElement("li");
    item.textContent = `${user || "somebody"}${me && me.id === id ? " (you)" : ""}`;
    list.append(item);
  }
}

function line(kind, who, text) {
  const item = document.createElement("li");
  item.className = kind;
  const name = document.createElement("b");
  name.textContent = who;
  const said = document.createElement("span");
  said.textContent = text;
  item.append(name, " ", said);
  append(item);
}

function note(text) {
  const item = document.createElement("li");
  item.className = "note";
  item.textContent = text;
  append(item);
}

function append(item) {
  const list = page("messages");
  list.append(item);
  while (list.children.length > 500) list.firstChild.remove();
  list.scrollTop = list.scrollHeight;
}

function status(text) {
  page("status").textContent = text;
}
