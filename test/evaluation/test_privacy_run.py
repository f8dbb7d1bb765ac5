"""The privacy evaluation from people to page, for real, on few people and untrained weights."""
from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import pytest

from latent_rag_ros.evaluation.errors import EvaluationError
from latent_rag_ros.evaluation.held_out import load_held_out_people
from latent_rag_ros.evaluation.methods.registry import methods
from latent_rag_ros.evaluation.privacy import splits
from latent_rag_ros.evaluation.privacy.attack_plan import attacker_names, attackers_of
from latent_rag_ros.evaluation.privacy.bench import Bench
from latent_rag_ros.evaluation.privacy.options import FULL, QUICK, PrivacyOptions
from latent_rag_ros.evaluation.privacy.page import page
from latent_rag_ros.evaluation.privacy.run import evaluate
from latent_rag_ros.evaluation.privacy.tables import evaluation_table, rows
from latent_rag_ros.evaluation.privacy.trial import Trial
from latent_rag_ros.tools.command_line import main

SIZE = replace(QUICK, identities=2, iterations=2, methods=('robot', 'blur', 'fuse_only'))
SETTINGS = ('raw_raw', 'prot_raw', 'raw_prot', 'prot_prot')


@pytest.fixture(scope='module')
def options(make_weights, tmp_path_factory):
    return PrivacyOptions(SIZE, weights=make_weights([9001, 9002]),
                          cache=tmp_path_factory.mktemp('cache'))


@pytest.fixture(scope='module')
def evaluated(options):
    with pytest.MonkeyPatch.context() as patch:
        # people of the other shipped split in place of rendering some for the attackers
        patch.setattr(splits, 'attackers_people',
                      lambda count: load_held_out_people('validation').first_identities(4))
        yield evaluate(options)


def test_results_hold_every_promised_figure(evaluated):
    figures = evaluated.figures
    for network in ('authorised', 'unseen'):
        assert {'rank1', 'rank5', 'rank10', 'map', 'minp', 'tar_at_far_1pct'} <= set(
            figures['raw']['reid'][network])
    for floor in figures['floors'].values():
        assert 0 <= floor['psnr_db'] < 60 and -1 <= floor['ssim'] <= 1
    assert set(figures['methods']) == {'robot', 'blur', 'fuse_only'}
    for method in figures['methods'].values():
        assert {'psnr_db', 'ssim', 'edge_correlation', 'silhouette_iou', 'identity_cosine',
                'share_refused'} <= set(method['protection'])
        for network in ('authorised', 'unseen'):
            for setting in SETTINGS:
                assert {'map', 'rank1', 'map_ci95'} <= set(method['reid'][network][setting])
                assert 'map' in method['jpeg']['reid'][network][setting]
        assert {'skill_psnr_db', 'rank1', 'colour_accuracy', 'colour_chance'} <= set(
            method['attacks']['looking'])


def test_presets_meet_every_attacker_and_baselines_the_strongest(evaluated):
    attacks = {name: set(method['attacks']) for name, method in
               evaluated.figures['methods'].items()}
    assert attacks['robot'] == {'looking', 'unet', 'clothing_colour_net', 'silhouette_net',
                                'linkage'}
    assert attacks['blur'] == {'looking', 'unet', 'clothing_colour_net'}
    assert attacks['fuse_only'] == {'looking'}
    unet = evaluated.figures['methods']['robot']['attacks']['unet']
    assert unet['iterations'] == 2
    assert {'skill_psnr_db', 'skill_psnr_db_ci95', 'rank1', 'colour_accuracy'} <= set(unet)
    assert len(unet['validation_losses']) == 3, 'before training, and after either step'
    assert 'rank1' in evaluated.figures['methods']['robot']['attacks']['linkage']


def test_mean_image_has_no_skill(evaluated):
    # the floor of the skill and the floor in the table are one picture
    floor = evaluated.figures['floors']['mean_image']
    blurred = evaluated.figures['methods']['blur']['attacks']['looking']
    assert blurred['skill_psnr_db'] == pytest.approx(blurred['psnr_db'] - floor['psnr_db'],
                                                     abs=2e-4)
    assert evaluated.figures['floors']['mean_image']['attacks']['looking']['skill_psnr_db'] == 0


def test_results_say_where_they_come_from_and_name_no_folder(evaluated, options):
    about = evaluated.figures['about']
    assert about['crops'] == 8 and about['identities'] == 2
    assert about['budget_iterations']['unet'] == 2
    assert about['quick'] and not about['complete']
    assert 'store.safetensors' in about['weights_sha256']
    text = json.dumps(evaluated.figures, allow_nan=False)
    assert str(options.cache) not in text and str(options.weights) not in text


def test_second_run_takes_every_stage_from_the_cache(evaluated, options):
    before = {path: path.stat().st_mtime_ns for path in options.cache.rglob('*.*')}
    again = evaluate(options)
    after = {path: path.stat().st_mtime_ns for path in options.cache.rglob('*.*')}
    assert after == before
    for name in ('raw', 'floors'):
        assert again.figures[name] == evaluated.figures[name]
    for name, method in evaluated.figures['methods'].items():
        assert again.figures['methods'][name] == method


def test_table_has_a_row_for_raw_every_floor_and_every_method(evaluated):
    figures = evaluated.figures
    table = evaluation_table(figures)
    lines = [line for line in table.splitlines() if line.startswith('|')]
    assert len(lines) == 2 + len(rows(figures))
    assert len(rows(figures)) == 1 + len(figures['floors']) + len(figures['methods'])
    assert len({line.count('|') for line in lines}) == 1
    assert 'A quick run' in table


def test_page_needs_nothing_beside_it(evaluated):
    text = page(evaluated)
    assert not re.search(r'(src|href)="(?!data:)', text)
    assert '<script' not in text and 'http' not in text.replace('http-equiv', '')
    # one sheet per method, recovered pictures below the protected ones; one for all ablations
    groups = [method['group'] for method in evaluated.figures['methods'].values()]
    assert text.count('<img ') == len(groups) - groups.count('ablation') + 1
    assert 'recovered by unet' in text
    for drawing in re.findall(r'<svg.*?</svg>', text, re.DOTALL):
        assert len(ElementTree.fromstring(drawing).findall('circle')) == 3


def test_evaluation_refuses_a_store_with_a_measured_person(options, make_weights, evaluated):
    closed = replace(options, weights=make_weights([9001, 3000000]))
    with pytest.raises(EvaluationError, match='measured and store share 1 people'):
        evaluate(closed)


@pytest.mark.parametrize('field', ['methods', 'attackers'])
def test_evaluation_refuses_an_unknown_name(options, field):
    size = replace(FULL, **{field: ('magic',)})
    with pytest.raises(EvaluationError, match='magic'):
        evaluate(replace(options, size=size))


def test_real_people_are_never_cached(options, tmp_path):
    assert replace(options, dataset='vtest').shows_real_people


    people = load_held_out_people('validation').first_identities(2)
    bench = Bench(replace(options, dataset='vtest', cache=tmp_path),
                  splits.Splits(people, people, people))
    bench.protected('blur', methods()['blur'], people)
    bench.scores('blur', people.images)
    assert not list(tmp_path.iterdir())


def test_command_repeats_the_options():
    assert PrivacyOptions().command == 'latent-rag evaluate privacy'
    assert PrivacyOptions(QUICK).command == 'latent-rag evaluate privacy --quick'
    size = replace(FULL, identities=10, methods=('robot',), attackers=('unet',), iterations=5)
    assert PrivacyOptions(size, 'validation').command == (
        'latent-rag evaluate privacy --split validation --people 10 --budget 5 --method robot '
        '--attacker unet')


def test_every_attacker_takes_on_what_a_deployment_chooses_between():
    entries = methods()
    for name in ('robot', 'authorised_only'):
        assert set(attackers_of(name, entries[name], FULL)) == set(attacker_names())
    assert attackers_of('paper', entries['paper'], FULL) == [
        'ridge', 'unet', 'clothing_colour_net', 'linkage']
    assert attackers_of('blur', entries['blur'], FULL) == ['ridge', 'unet', 'clothing_colour_net']
    assert attackers_of('solid', entries['solid'], FULL) == ['ridge', 'clothing_colour_net']
    assert attackers_of('fine_only', entries['fine_only'], FULL) == []
    assert attackers_of('paper', methods()['paper'], replace(FULL, attacked=('robot',))) == []


def test_attackers_have_a_third_of_the_people_where_a_picture_is_expensive(options):
    people = load_held_out_people('validation').first_identities(6)
    bench = Bench(replace(options, size=replace(SIZE, attackers=('clothing_colour_net',))),
                  splits.Splits(load_held_out_people('test').first_identities(2), people, people))
    entry = methods()['blur']
    for is_slow, count in ((False, len(people)), (True, len(people) // 3)):
        trial = Trial(bench, 'blur', replace(entry, is_slow=is_slow),
                      bench.protected('blur', entry, bench.splits.measured)[0])
        assert trial.attack('clothing_colour_net')[0]['pairs'] == count
    assert {name for name, entry in methods().items() if entry.is_slow} == {'paper', 'pixelfade'}


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_quick_report_is_made_by_one_command(tmp_path):
    output = tmp_path / 'evaluation.json'
    assert main(['evaluate', 'privacy', '--quick', '--cache', str(tmp_path / 'cache'),
                 '--output', str(output)]) == 0
    results = json.loads(output.read_text())
    assert {'robot', 'paper', 'blur', 'pixelfade'} <= set(results['methods'])
    assert output.with_suffix('.html').stat().st_size > 100_000
