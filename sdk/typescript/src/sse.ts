/** Server-sent events, from text that arrives in pieces of any size. No I/O here. */

export interface ServerSentEvent {
  event: string;
  data: string;
}

export class EventDecoder {
  #line = "";
  #event = "";
  #data: string[] = [];
  #endedWithCr = false;

  /** The events that `text` completes. Only new text is searched, so an event of megabytes costs linear time. */
  feed(text: string): ServerSentEvent[] {
    // A CR ends its line at once; an LF that begins the next piece belongs to it.
    const rest = this.#endedWithCr && text.startsWith("\n") ? text.slice(1) : text;
    if (text) this.#endedWithCr = text.endsWith("\r");
    const events: ServerSentEvent[] = [];
    const lines = rest.split(/\r\n|\r|\n/);
    const unfinished = lines.pop() ?? "";
    for (const line of lines) {
      const event = this.#end(this.#line + line);
      this.#line = "";
      if (event) events.push(event);
    }
    this.#line += unfinished;
    return events;
  }

  /** Takes a whole line; the event, where this line ends one. */
  #end(line: string): ServerSentEvent | undefined {
    if (line) {
      const [, name, value] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
      if (name === "data") this.#data.push(value ?? "");
      if (name === "event") this.#event = value ?? "";
      return undefined;
    }
    const event = this.#data.length ? { event: this.#event, data: this.#data.join("\n") } : undefined;
    this.#event = "";
    this.#data = [];
    return event;
  }
}
