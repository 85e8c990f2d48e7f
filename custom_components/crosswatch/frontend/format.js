/** Numbers, times and durations the way the user has set them in Home Assistant's profile. */

const NUMBER_LOCALES = {
  comma_decimal: ["en-US", "en"],
  decimal_comma: ["de", "es", "it"],
  space_comma: ["fr", "sv", "cs"],
  quote_decimal: ["de-CH"],
  system: undefined,
};
const STEPS = [
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
];

/** Formats for one user: `locale` is `hass.locale`, `timeZone` that of the server. */
export class Format {
  constructor(locale, timeZone) {
    const { language, number_format: numbers } = locale;
    const zone = locale.time_zone === "server" ? { timeZone } : {};
    const clock = { hour: "numeric", minute: "2-digit", hour12: usesAmPm(locale) };
    this._number = new Intl.NumberFormat(
      numbers in NUMBER_LOCALES ? NUMBER_LOCALES[numbers] : language,
      { maximumFractionDigits: 1, useGrouping: numbers !== "none" },
    );
    this._percent = new Intl.NumberFormat(language, { style: "percent" });
    this._relative = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
    this._time = new Intl.DateTimeFormat(language, { ...clock, ...zone });
    this._day = new Intl.DateTimeFormat(language, { day: "numeric", month: "short", ...clock, ...zone });
    this._language = language;
  }

  number(value) {
    return this._number.format(value);
  }

  /** `value` is 0 to 100. */
  percent(value) {
    return this._percent.format(value / 100);
  }

  /** Date and time; `at` is epoch seconds. */
  moment(at) {
    return this._day.format(at * 1000);
  }

  /** Such as "5 minutes ago" or "in 2 hours"; both times are epoch seconds. */
  relative(at, now) {
    const seconds = at - now;
    const [unit, length] = STEPS.find(([, step]) => Math.abs(seconds) >= step) || ["minute", 60];
    return this._relative.format(Math.trunc(seconds / length), unit);
  }

  /** A length of time in its two largest units, such as "3 min 20 sec". */
  duration(seconds) {
    const parts = [];
    if (seconds < 10) return this._unit(Math.round(seconds * 10) / 10, "second");
    let rest = Math.round(seconds);
    for (const [unit, length] of [...STEPS, ["second", 1]]) {
      if (rest >= length) {
        parts.push(this._unit(Math.floor(rest / length), unit));
        rest %= length;
      } else if (parts.length) break;
      if (parts.length === 2) break;
    }
    return parts.join(" ");
  }

  _unit(value, unit) {
    return new Intl.NumberFormat(this._language, { style: "unit", unit, unitDisplay: "short" }).format(value);
  }
}

const usesAmPm = ({ time_format: format, language }) => {
  if (format === "12" || format === "24") return format === "12";
  const inLanguage = new Intl.DateTimeFormat(format === "system" ? undefined : language, { hour: "numeric" });
  return Boolean(inLanguage.resolvedOptions().hour12);
};
