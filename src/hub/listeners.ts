/**
 * Who listens to one kind of message. Whatever a listener throws is its own failure and reaches nobody: no message of a hub
 * is ever relied on.
 */
export class Listeners<Message> {
  readonly #listeners = new Set<(message: Message) => void>();

  /** Registers a listener; returns what removes it. */
  readonly add = (listener: (message: Message) => void): (() => void) => {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  };

  /** Nobody hears anything any more. */
  clear(): void {
    this.#listeners.clear();
  }

  /** Calls each listener before it returns. */
  tell(message: Message): void {
    for (const listener of this.#listeners) call(listener, message);
  }

  /**
   * Calls each listener in a microtask of its own, never within the sender's synchronous block.
   *
   * @param isOpen asked then: whoever has gone, or was removed since, hears nothing more.
   */
  tellSoon(message: Message, isOpen: () => boolean): void {
    for (const listener of this.#listeners) {
      queueMicrotask(() => {
        if (isOpen() && this.#listeners.has(listener)) call(listener, message);
      });
    }
  }
}

function call<Message>(listener: (message: Message) => void, message: Message): void {
  try {
    listener(message);
  } catch {
    // Said above.
  }
}
