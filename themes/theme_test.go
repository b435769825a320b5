package themes

import (
	"image/color"
	"math"
	"testing"
)

// TestContrast holds every text role of every theme to a contrast of at least
// 4.5:1 against both grounds it can stand on (WCAG 2.2, success criterion
// 1.4.3, level AA).
func TestContrast(t *testing.T) {
	for _, dark := range []bool{true, false} {
		theme := Default(dark)
		if theme.Dark != dark {
			t.Errorf("%s: dark is %v, want %v", theme.Name, theme.Dark, dark)
		}
		if isDark := luminance(theme.Background) < 0.5; isDark != dark {
			t.Errorf("%s: background is dark: %v, want %v", theme.Name, isDark, dark)
		}
		roles := map[string]color.Color{
			"text": theme.Text, "muted": theme.Muted, "accent": theme.Accent, "command": theme.Command,
			"option": theme.Option, "quoted": theme.Quoted, "error": theme.Error,
		}
		for name, c := range roles {
			for ground, g := range map[string]color.Color{"background": theme.Background, "panel": theme.Panel} {
				if ratio := contrast(c, g); ratio < 4.5 {
					t.Errorf("%s: %s on %s has contrast %.2f, want at least 4.5", theme.Name, name, ground, ratio)
				}
			}
		}
	}
}

// contrast is the ratio of WCAG 2.2's definition "contrast ratio".
func contrast(a, b color.Color) float64 {
	la, lb := luminance(a), luminance(b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

// luminance is WCAG 2.2's definition "relative luminance".
func luminance(c color.Color) float64 {
	r, g, b, _ := c.RGBA()
	linear := func(v uint32) float64 {
		x := float64(v) / 0xFFFF
		if x <= 0.04045 {
			return x / 12.92
		}
		return math.Pow((x+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(r) + 0.7152*linear(g) + 0.0722*linear(b)
}
