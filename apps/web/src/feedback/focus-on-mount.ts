/** For `ref`: the field one came for has the focus as soon as it is there. */
export function focusOnMount(element: HTMLElement | null): void {
  element?.focus();
}
