import time, pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from tests.activities.conftest import make_cast
from activities import services

@pytest.mark.django_db
def test_perf(business, people):
    own=people.owner.pk; oth=people.stranger.pk; mate=people.teammate.pk
    t1,t2=people.team.pk, people.other_team.pk
    with connection.cursor() as c:
        c.execute(f"""insert into activities_task (title,kind,priority,description,owner_id,team_id,due_on,zone,due_at,done_at,outcome,created_at,updated_at,version,search_text,sort_name,subject_type,company_id)
        select 'Task '||g,'todo',2,'',case g%20 when 0 then {own} when 1 then {mate} else {oth} end, case when g%20<2 then {t1} else {t2} end, current_date+(g%400-300)::int,'UTC',now()+((g%400-300)||' days')::interval, case when g%10<8 then now() end,'',now()-(g||' seconds')::interval,now(),1,' task '||g,'task '||g,'company',{business.company.pk} from generate_series(1,100000) g""")
        c.execute(f"""insert into activities_activity (kind,verb,body,data,actor_id,at,version,subject_type,company_id,deal_id)
        select 'note','added','n '||g,'{{}}',{own},now()-(g||' minutes')::interval,1,case when g%2=0 then 'company' else 'deal' end,{business.company.pk},case when g%2=1 then {business.deal.pk} end from generate_series(1,100000) g""")
        c.execute(f"""insert into activities_meeting (title,location,description,owner_id,team_id,starts_at,ends_at,zone,held_at,created_at,updated_at,version,search_text,sort_name,subject_type)
        select 'M','','',case g%20 when 0 then {own} else {oth} end,case when g%20=0 then {t1} else {t2} end,now()+((g%400-300)||' days')::interval,now()+((g%400-300)||' days')::interval,'UTC',case when g%400<300 then now() end,now(),now(),1,'','m','' from generate_series(1,50000) g""")
        c.execute(f"""insert into deals_deal (name,pipeline_id,stage_id,status,amount,amount_home,currency,owner_id,team_id,created_at,updated_at,version,search_text,sort_name,next_step,next_step_kind,next_step_all_day,stage_since,close_date_pushes,lost_note,description)
        select 'D'||g,{business.deal.pipeline_id},{business.deal.stage_id},'open',0,0,'EUR',case g%20 when 0 then {own} else {oth} end,{t1},now(),now(),1,' d'||g,'d'||g,'','',false,now(),0,'','' from generate_series(1,50000) g""")
        c.execute("analyze")
    for who in (people.owner, people.manager, people.admin):
        client=Client(); client.force_login(who)
        for url in ("/", "/calendar/", "/calendar/?who=team", "/tasks/?view=mine","/tasks/?view=team","/tasks/?q=offer","/notifications/poll/","/notifications/","/meetings/", business.company.get_absolute_url(), business.company.get_absolute_url()+"?kind=call", "/tasks/5/" if who is people.admin else "/tasks/20/"):
            client.get(url); best=9
            for _ in range(3):
                s=time.perf_counter()
                with CaptureQueriesContext(connection) as q: r=client.get(url)
                best=min(best,time.perf_counter()-s)
            sql=sum(float(x["time"]) for x in q)
            print(f"{who.name:16} {url:40} {r.status_code} {best*1000:6.1f} ms {len(q)} queries sql {sql*1000:.0f} ms {len(r.content)//1000} kB")
            if sql>.04:
                for x in sorted(q,key=lambda x:-float(x["time"]))[:2]: print("    ",x["time"],x["sql"][:600])
